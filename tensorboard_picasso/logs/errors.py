"""Errors of what a log cannot give."""


class ExportError(ValueError):
    """What was asked for cannot be made; a few words with the remedy."""


class NotThereError(ExportError):
    """What was asked for is not in the log."""
