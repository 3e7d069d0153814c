"""Trained models on pictures, without training: `python -m tensorboard_picasso explain`.

One file a framework that keeps trained models, in `sources`; a framework is imported only there,
and only where one of its models is asked for.
"""


class ModelError(ValueError):
    """What was asked for cannot be done; a few words with the remedy."""
