"""Plain SQL, forward only, one change a file; read by `service.foundation.database.migrate`."""
