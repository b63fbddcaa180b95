"""HTTP: handlers, dependencies, problems. No SQL, no rules."""
