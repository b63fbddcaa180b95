"""Every benchmark: `python -m tests.benchmarks`."""

from tests.benchmarks import gpx_reader, policies, service

if __name__ == "__main__":
    gpx_reader.main()
    service.main()
    policies.main()
