"""Taking maps away: from event files or a data provider to pictures and tables.

No framework is imported: whoever can read a log can export it.
"""


class ExportError(ValueError):
    """What was asked for cannot be made; a few words with the remedy."""


class NotThereError(ExportError):
    """What was asked for is not in the log."""
