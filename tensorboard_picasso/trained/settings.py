"""Settings: what `python -m tensorboard_picasso explain` is asked for."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tensorboard_picasso.checkpoints import settings as common
from tensorboard_picasso.summary.methods.base import Method
from tensorboard_picasso.trained import ModelError

# What only a model of one's own is told; a framework's own come with their preprocessing.
OF_OWN = ("size", "preprocess", "value_range", "normalized", "channels")


@dataclass(frozen=True)
class Settings:
    """The options, read; see `add_options`.

    source: what stands before the colon of `--model`, and model what stands behind it; of a
      model of one's own source is "", and model is all of it.
    segments: a label map of occlusion, for all pictures.
    methods_said: whether they are others than by default.
    size: height and width, pixels.
    """

    source: str
    model: str
    weights: Path | None
    images: tuple[str, ...]
    class_names: Path | None
    max_images: int
    top_k: int
    targets: tuple[str, ...]
    methods: tuple[Method, ...]
    segments: Path | None
    methods_said: bool
    output: str
    name: str | None
    size: tuple[int, int] | None
    preprocess: str | None
    value_range: tuple[float, float] | None
    normalized: tuple[Any, Any] | None
    channels: int | None
    logdir: Path | None
    port: int | None
    serve: bool

    @property
    def word(self) -> str:
        """The model, as it was asked for."""
        return f"{self.source}:{self.model}" if self.source else self.model


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add(
        "--model",
        required=True,
        metavar="SOURCE:NAME",
        help="keras:VGG16, torchvision:resnet50, timm:NAME, hf:NAME or hf:FOLDER, or a function"
        " that builds a model of your own, my_module:build",
    )
    add(
        "--images",
        required=True,
        nargs="+",
        metavar="PATH",
        help="folders, with what is in them, files, or patterns such as 'pictures/*.jpg'",
    )
    add(
        "--weights",
        type=Path,
        metavar="FILE",
        help="default: those that the framework has in its cache or downloads",
    )
    add(
        "--class-names",
        type=Path,
        metavar="FILE",
        help="one a line, in the model's order; default: those that the framework keeps",
    )
    add(
        "--max-images",
        type=int,
        default=16,
        metavar="N",
        help="default: 16, evenly over the folders",
    )
    add(
        "--top-k",
        type=int,
        default=3,
        metavar="K",
        help="how many of the likeliest classes are told and explained; default: 3",
    )
    add("--targets", nargs="+", default=(), metavar="CLASS", help="explained beside these")
    common.add_methods(parser)
    add("--name", help="of the pictures together; default: that of their folder")
    own = parser.add_argument_group("of a model of your own")
    own.add_argument(
        "--size",
        type=int,
        nargs="+",
        metavar="PIXELS",
        help="a side, or height and width, to which the middle of each picture is brought; default:"
        " a Keras model's own, else that of each file",
    )
    common.add_values(own)
    add(
        "--logdir",
        type=Path,
        metavar="DIR",
        help="default: a new one in logs/explain, by the model",
    )
    add("--port", type=int, help="where the tab is served; default: 6006, where it is free")
    add("--no-serve", action="store_true", help="log only")


def parse(given: argparse.Namespace, sources: Sequence[str]) -> Settings:
    """Read the options.

    Args:
      given: as argparse has them.
      sources: what may stand before the colon of `--model`.

    Raises:
      ModelError, ValueError, TypeError: what is wrong with one.
    """
    source, _, name = given.model.partition(":")
    if not (source and name):
        known = ", ".join(f"{each}:NAME" for each in sources)
        raise ModelError(f"--model {given.model}: pass {known} or my_module:build")
    if source in sources:
        for option in OF_OWN:
            if getattr(given, option) is not None:
                told = "--" + option.replace("_", "-")
                raise ModelError(
                    f"{told} beside --model {given.model}, which has a preprocessing of its own:"
                    " leave it out"
                )
    else:
        source, name = "", given.model
    for option, value, least in (
        ("--max-images", given.max_images, 1),
        ("--top-k", given.top_k, 1),
        ("--size", min(given.size or [1]), 1),
    ):
        if value < least:
            raise ModelError(f"{option} {value}: pass a number from {least}")
    if given.size is not None and len(given.size) > 2:
        raise ModelError(f"--size {' '.join(map(str, given.size))}: pass a side, or HEIGHT WIDTH")
    if given.weights is not None and not given.weights.is_file():
        raise ModelError(f"--weights {given.weights}: no such file")
    return Settings(
        source=source,
        model=name,
        weights=given.weights,
        images=tuple(given.images),
        class_names=given.class_names,
        max_images=given.max_images,
        top_k=given.top_k,
        targets=tuple(given.targets),
        methods=common.methods(given),
        segments=common.segments(given),
        methods_said=tuple(given.methods) != common.METHODS,
        output=given.output or "auto",
        name=given.name,
        size=given.size and (given.size[0], given.size[-1]),
        preprocess=common.module_function("--preprocess", given.preprocess),
        value_range=common.value_range(given.value_range),
        normalized=common.normalized(given.normalized),
        channels=given.channels,
        logdir=given.logdir,
        port=given.port,
        serve=not given.no_serve,
    )
