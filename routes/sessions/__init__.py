"""Handlers of the subject `sessions`."""
