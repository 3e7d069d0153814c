"""Logging checkpoints that already exist: finding, loading and explaining them in step order.

One file a format, in `formats`; a framework is imported only there, and only where a
checkpoint of its own is read.
"""


class LogError(ValueError):
    """What was asked for cannot be done; a few words with the remedy."""


class CheckpointError(ValueError):
    """One checkpoint that cannot be read or loaded, with the reason; others may be."""
