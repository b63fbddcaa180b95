"""Errors raised in the words of the field; routes/http/problems.py turns each into an HTTP problem."""


class DomainError(Exception):
    """Something the rules of the field do not allow, said so that a therapist understands it."""
