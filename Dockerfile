# The service alone; PostgreSQL is another container's (see docker-compose.yml).
FROM python:3.13-slim AS build
WORKDIR /build
COPY requirements.lock ./
RUN python -m venv /towpath && /towpath/bin/pip install --no-cache-dir --only-binary :all: --require-hashes \
    -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY service service
COPY routes routes
COPY schemas schemas
COPY migrations migrations
RUN /towpath/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin towpath
COPY --from=build /towpath /towpath
USER 10001:10001
ENV PATH=/towpath/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    TOWPATH_HOST=0.0.0.0 \
    TOWPATH_LOG_FORMAT=json
EXPOSE 8420
STOPSIGNAL SIGTERM
ENTRYPOINT ["towpath"]
CMD ["serve"]
