"""Structured logs: ids and counts, but never note text, names, coordinates or tokens."""

import logging
import re
import sys
from typing import Any, Final

import msgspec
import structlog

FIXED_PART: Final = re.compile(r"[^\n%(<{:]*")
"""The start of a library's message, up to the first value in it."""


def configure_logs(*, level: str = "info", machine: bool = False) -> None:
    """Send every log line to standard error, as JSON if `machine` is true."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _only_the_kind_of_error,
    ]
    as_json = structlog.processors.JSONRenderer(_json_line)
    structlog.configure(
        processors=[*shared, as_json if machine else structlog.dev.ConsoleRenderer(colors=False)],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers = [each for each in root.handlers if not isinstance(each, _Forwarded)] + [_Forwarded()]


def _json_line(event: dict[str, Any], **_: object) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()


class _Forwarded(logging.Handler):
    """Logs of libraries, without the values in them, which may quote what a client said."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log a warning or an error as the service logs its own."""
        if record.levelno >= logging.WARNING:
            said = FIXED_PART.match(str(record.msg))
            raised = record.exc_info[1] if record.exc_info else None
            structlog.get_logger().log(
                record.levelno, said[0].strip() if said else "", logger=record.name, exc_info=raised
            )


def _only_the_kind_of_error(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401  structlog's own signature
    """Replace an exception by its type and place, because its message may quote what a client said."""
    raised = event.pop("exc_info", None)
    if raised is True:
        raised = sys.exc_info()[1]
    if isinstance(raised, BaseException):
        event["error"] = type(raised).__name__
        event["at"] = places_of(raised)
    return event


def places_of(raised: BaseException) -> list[str]:
    """Return the six innermost frames of a traceback as `module:line function`, without values."""
    places = []
    trace = raised.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        places.append(f"{frame.f_globals.get('__name__')}:{trace.tb_lineno} {frame.f_code.co_name}")
        trace = trace.tb_next
    return places[-6:]
