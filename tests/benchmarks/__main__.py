"""Runs every benchmark: `python -m tests.benchmarks`. It takes several minutes on a quiet machine."""

from tests.benchmarks import (
    fairness,
    fit,
    gpx_reader,
    labels,
    long_notes,
    planning,
    policies,
    service,
    slow_connections,
    upload_profile,
)

if __name__ == "__main__":
    gpx_reader.main()
    service.main()
    upload_profile.main()
    fit.main()
    labels.main()
    long_notes.main()
    planning.main()
    policies.main()
    slow_connections.main()
    fairness.main()
