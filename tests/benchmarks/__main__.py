"""Every benchmark: `python -m tests.benchmarks`."""

from tests.benchmarks import service

service.main()
