"""Clients: the plain part, the sealed record, import from a table."""
