"""Handlers of the subject `walks`."""
