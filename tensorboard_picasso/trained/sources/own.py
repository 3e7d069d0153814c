"""Models of one's own: any function that returns one."""

from typing import Any

from PIL import Image

from tensorboard_picasso.checkpoints import LogError
from tensorboard_picasso.checkpoints.pictures import mode, values
from tensorboard_picasso.checkpoints.work import NamedFunction
from tensorboard_picasso.summary.kit import frameworks, report
from tensorboard_picasso.summary.kit.images import Array
from tensorboard_picasso.trained import ModelError
from tensorboard_picasso.trained.pictures import fitted
from tensorboard_picasso.trained.settings import Settings
from tensorboard_picasso.trained.sources import _weights
from tensorboard_picasso.trained.sources.base import Source, Trained


class Models(Source):
    """What `module:function` builds; what it is given is said by options, as those of `log`."""

    def load(self, settings: Settings, class_names: tuple[str, ...]) -> Trained:
        """See `Source.load`."""
        model = _built(NamedFunction(settings.model, "--model"))
        if settings.weights is not None:
            model = _weights.read(model, settings.weights)
        size = settings.size or _size(model)

        def given(picture: Image.Image) -> Array:
            picture = picture.convert(mode(picture, settings.channels))
            if size is not None:
                picture = fitted(picture, *size)
            return values(picture, settings.value_range, settings.normalized)

        options: dict[str, Any] = {
            "value_range": settings.value_range,
            "normalized": settings.normalized,
        }
        if settings.preprocess is not None:
            options["preprocess"] = NamedFunction(settings.preprocess, "--preprocess")
        return Trained(model, given, class_names, options)


def _built(build: NamedFunction) -> Any:
    try:
        return build()
    except LogError:
        raise
    except Exception as e:  # whatever the user's code raises
        raise ModelError(f"{build.option} {build.word}: {report.reason(e)}") from e


def _size(model: Any) -> tuple[int, int] | None:
    """Height and width of what a model of Keras takes; None where it takes any, or is none."""
    if not frameworks.is_a(model, "keras", "Model"):
        return None
    shape = getattr(model, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 4 or None in shape[1:3]:
        return None
    return shape[1], shape[2]
