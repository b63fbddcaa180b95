"""Plain SQL, forward only, one change a file; read by `service.db.migrate`."""
