"""Image classifiers of Hugging Face's `transformers`, from its hub, its cache or a folder."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tensorboard_picasso.summary.kit.images import Array
from tensorboard_picasso.trained import ModelError
from tensorboard_picasso.trained.settings import Settings
from tensorboard_picasso.trained.sources._values import measured
from tensorboard_picasso.trained.sources.base import Source, Trained, needed, short

_LISTED = 3  # weights in an error


class Models(Source):
    """Names are those of the hub, `google/vit-base-patch16-224`, or folders as `save_pretrained` makes."""

    def load(self, settings: Settings, class_names: tuple[str, ...]) -> Trained:
        """See `Source.load`."""
        transformers = needed("transformers", settings.word, "transformers")
        if settings.weights is not None:
            raise ModelError(
                f"--weights beside --model {settings.word}: leave it out, and pass the folder that"
                " holds the weights, --model hf:FOLDER"
            )
        model, processor = _loaded(transformers, settings)

        def given(picture: Image.Image) -> Array:
            made = processor(images=picture.convert("RGB"), return_tensors="pt")["pixel_values"]
            pixels: Array = made[0].float().numpy()
            return np.moveaxis(pixels, 0, -1)

        given_straight, options = measured(given, settings.word, channels_first=True)
        config = model.config
        several = config.problem_type == "multi_label_classification"
        options["output"] = "sigmoid" if several else "logits"
        told = config.id2label
        names = class_names or tuple(
            str(told.get(index, index)) for index in range(config.num_labels)
        )
        return Trained(model, given_straight, names, options)


def _loaded(transformers: Any, settings: Settings) -> tuple[Any, Any]:
    """A classifier, and what prepares its images."""
    try:
        model, told = transformers.AutoModelForImageClassification.from_pretrained(
            settings.model, output_loading_info=True
        )
        processor = transformers.AutoImageProcessor.from_pretrained(settings.model)
    except Exception as e:  # of the network, of a folder that lacks a file, of another model
        if Path(settings.model).is_dir():
            raise ModelError(f"--model {settings.word}: {short(e)}") from e
        raise ModelError(
            f"--model {settings.word} could not be had ({short(e)}): where there is a network, get"
            f" all files of https://huggingface.co/{settings.model} into a folder, and pass --model"
            " hf:FOLDER"
        ) from e
    # What is missing is made at random, with no more than a warning.
    if missing := sorted(told["missing_keys"]):
        more = f" and {len(missing) - _LISTED} more" if len(missing) > _LISTED else ""
        raise ModelError(
            f"--model {settings.word} is no trained classifier: its weights lack"
            f" {', '.join(missing[:_LISTED])}{more}"
        )
    return model, processor
