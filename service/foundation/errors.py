"""The base of all errors in the words of the field; routes/http/problems.py maps each to an HTTP problem."""


class DomainError(Exception):
    """A rule of the field refuses something; the text says why, in words a therapist understands."""
