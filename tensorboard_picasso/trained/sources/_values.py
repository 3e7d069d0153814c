"""What a pipeline makes of brightness, found by giving it plain colours.

A framework's own pipeline resizes, crops and normalises in one go. The model is given exactly
what that makes; to show the picture behind it, and to hide parts of it in grey or black, it must
be known what was subtracted, by what was divided, and in which order the channels stand. Every
framework notes that otherwise, and some twice over, so it is measured.
"""

from typing import Any

import numpy as np
from PIL import Image

from tensorboard_picasso.summary.kit.images import Array
from tensorboard_picasso.trained import ModelError
from tensorboard_picasso.trained.sources.base import Given

# Pixels a side of plain pictures: none is enlarged so much that rounding tells.
SIDE = 512
_PRIMARIES = ((255, 0, 0), (0, 255, 0), (0, 0, 255))
_MIXED = (64, 128, 192)
# Of the span from black to white; a grey picture is made of rounded sums.
_SLACK = 0.01


def measured(given: Given, model: str, channels_first: bool) -> tuple[Given, dict[str, Any]]:
    """A pipeline in a picture's own order of channels, and the options of a `Probe` of it.

    Args:
      given: the pipeline. model: as it was asked for.
      channels_first: whether the model takes batches so.

    Returns:
      The same function, as a rule; and `normalized=`. Where the pipeline turns channels around,
      one that does not, and a `preprocess=` that does.

    Raises:
      ModelError: the pipeline does more than a scale and a shift a channel.
    """
    black = _middle(given, (0, 0, 0))
    slopes = np.stack([_middle(given, each) for each in _PRIMARIES], 1) - black[:, None]
    straight = black + slopes @ (np.array(_MIXED) / 255)
    slack = _SLACK * np.abs(slopes).max()
    fits = bool(np.abs(_middle(given, _MIXED) - straight).max() <= slack)
    order = np.arange(3)
    if len(black) == 1:
        slope = slopes.sum(1)
    else:
        order = np.abs(slopes).argmax(1)
        slope = slopes[np.arange(len(order)), order]
        others = slopes.copy()
        others[np.arange(len(order)), order] = 0
        one_each = sorted(order.tolist()) == [0, 1, 2]
        fits = fits and one_each and bool(np.abs(others).max() <= slack)
    if not fits or not (slope > slack).all():
        raise ModelError(
            f"--model {model}: its preprocessing does more to colours than a scale and a shift a"
            " channel, which cannot be undone to show them"
        )
    mean, std = -black / slope, 1 / slope
    if len(black) == 1 or (order == np.arange(3)).all():
        return given, {"normalized": (mean, std)}
    back = np.argsort(order)

    def preprocess(batch: Any) -> Any:
        turned = batch[..., order]
        return np.moveaxis(turned, -1, 1) if channels_first else turned

    options = {"normalized": (mean[back], std[back]), "preprocess": preprocess}
    return lambda picture: given(picture)[..., back], options


def _middle(given: Given, colour: tuple[int, int, int]) -> Array:
    """What becomes of a plain colour, one number a channel: float64."""
    made = given(Image.new("RGB", (SIDE, SIDE), colour))
    return np.asarray(made[made.shape[0] // 2, made.shape[1] // 2], np.float64)
