"""Handlers of the subject `places`."""
