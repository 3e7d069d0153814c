"""Models of timm, with the transform and names of their pretrained configuration."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from tensorboard_picasso.summary.kit import report
from tensorboard_picasso.summary.kit.images import Array
from tensorboard_picasso.trained import ModelError
from tensorboard_picasso.trained.settings import Settings
from tensorboard_picasso.trained.sources._values import measured
from tensorboard_picasso.trained.sources.base import Source, Trained, needed, short, unknown


class Models(Source):
    """Names are those of `timm.create_model`: `resnet18`, `resnet18.a1_in1k`, `hf-hub:owner/name`."""

    def load(self, settings: Settings, class_names: tuple[str, ...]) -> Trained:
        """See `Source.load`."""
        timm = needed("timm", settings.word, "timm")
        data = needed("timm.data", settings.word, "timm")
        model = _built(timm, settings, len(class_names))
        transform = data.create_transform(
            **data.resolve_model_data_config(model), is_training=False
        )

        def given(picture: Image.Image) -> Array:
            made: Array = transform(picture.convert("RGB")).numpy()
            return np.moveaxis(made, 0, -1)

        given_straight, options = measured(given, settings.word, channels_first=True)
        options["output"] = "logits"
        names = class_names or _names(data, model)
        return Trained(model, given_straight, names, options)


def _built(timm: Any, settings: Settings, classes: int) -> Any:
    name, file = settings.model, settings.weights
    options: dict[str, Any] = {}
    if ":" not in name:
        architecture, _, tag = name.partition(".")
        if not timm.is_model(architecture):
            unknown(settings.word, name, timm.list_models(), "timm.list_models()")
        tagged = timm.list_models(f"{architecture}.*", pretrained=True)
        if tag and name not in tagged:
            unknown(settings.word, name, tagged, "timm.list_models(pretrained=True)")
    elif file is not None:
        raise ModelError(
            f"--weights beside --model {settings.word}, which has a place of its own: leave it out"
        )
    if file is not None:
        # So timm reads files of its own and of others, whatever they call their parts.
        options["pretrained_cfg_overlay"] = {"file": str(file)}
        if classes:
            options["pretrained_cfg_overlay"]["num_classes"] = classes
            options["num_classes"] = classes
    try:
        return timm.create_model(name, pretrained=True, **options)
    except Exception as e:  # of the network, of a file that is cut off, of another model
        if file is not None:
            raise ModelError(f"--weights {file}: {short(e)}") from e
        raise ModelError(
            f"--model {settings.word}: its weights could not be had ({short(e)}): where there is a"
            f" network, get {_place(timm, name)} and pass --weights FILE"
        ) from e


def _place(timm: Any, name: str) -> str:
    """Where timm takes weights from."""
    try:
        known = timm.get_pretrained_cfg(name)
    except RuntimeError:
        known = None
    hub = getattr(known, "hf_hub_id", None)
    if hub:
        return f"https://huggingface.co/{hub}/resolve/main/model.safetensors"
    return str(getattr(known, "url", None) or "them")


def _names(data: Any, model: Any) -> tuple[str, ...]:
    """Those in the configuration, else those of ImageNet as timm tells it by the number of classes."""
    known, count = model.pretrained_cfg, model.num_classes
    labels, texts = known.get("label_names"), known.get("label_descriptions") or {}
    if labels:
        by_index = labels if isinstance(labels, Mapping) else dict(enumerate(labels))
        by_number = {int(index): label for index, label in by_index.items()}
        told = (by_number.get(index, str(index)) for index in range(count))
        return tuple(texts.get(each, each) for each in told)
    subset = data.infer_imagenet_subset(model)
    if subset is None:
        report.tell(
            "class names",
            f"the names of {count} classes are not known, so that classes are numbers;"
            " --class-names FILE gives them",
        )
        return ()
    return tuple(each.partition(", ")[0] for each in data.ImageNetInfo(subset).label_descriptions())
