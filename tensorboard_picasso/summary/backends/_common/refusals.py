"""What is said where a model cannot be asked, with what can be done."""

from typing import Any

from tensorboard_picasso.summary.backends._common.call import UnsupportedError

# The remedy of what has no gradient.
OCCLUSION_ALONE = "methods=[summary.Occlusion()]"


def integers_only(name: str, dtype: Any) -> UnsupportedError:
    """What to say where a gradient is asked for by inputs that cannot be floats."""
    return UnsupportedError(
        f"{name} takes {dtype}, and there is no gradient by integers:"
        f" pass {OCCLUSION_ALONE}, or move the cast from the model to preprocess="
    )


def no_gradient(name: str, layer: str | None, reason: str = "") -> UnsupportedError:
    """What to say where scores have none by their input, or by a layer."""
    by = f"layer {layer!r}" if layer else "its input"
    said = f" ({reason})" if reason else ""
    return UnsupportedError(
        f"{name} has no gradient of its scores by {by}{said}: pass {OCCLUSION_ALONE}, which needs none"
    )


def no_tokens(name: str) -> UnsupportedError:
    """What to say where tokens cannot be left out."""
    return UnsupportedError(
        f"fill='dropped tokens': {name} is no vision transformer whose tokens can be dropped"
        " (VisionTransformer of timm or torchvision, ViTModel of transformers): pass fill='mean'"
    )


def scripted(what: str) -> UnsupportedError:
    """What to say where layers would have to be read that TorchScript has compiled."""
    return UnsupportedError(
        f"{what} is compiled by TorchScript, whose layers cannot be read: pass the module that it"
        f" was made from, or {OCCLUSION_ALONE}"
    )
