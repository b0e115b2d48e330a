"""What can go wrong, by kind; every error is a `DarkvoyageError` and thereby a `ValueError`."""

__all__ = ["DarkvoyageError", "DialectError", "ReadError", "RuleError", "SchemaError"]


class DarkvoyageError(ValueError):
    """Base of all errors that darkvoyage raises on purpose."""


class DialectError(DarkvoyageError):
    """A file's columns match no known dialect."""


class ReadError(DarkvoyageError):
    """A file is missing, damaged, truncated or of a kind that is never read."""


class RuleError(DarkvoyageError):
    """An option is unknown or out of its bounds."""


class SchemaError(DarkvoyageError):
    """A table lacks a column, or a column has the wrong type."""
