"""Handlers of the subject `people`."""
