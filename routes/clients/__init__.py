"""Handlers of the subject `clients`."""
