"""Runs every benchmark: `python -m tests.benchmarks`. It takes about four minutes on a quiet machine."""

from tests.benchmarks import fairness, gpx_reader, labels, policies, service, slow_connections

if __name__ == "__main__":
    gpx_reader.main()
    service.main()
    labels.main()
    policies.main()
    slow_connections.main()
    fairness.main()
