"""Handlers of the subject `record`."""
