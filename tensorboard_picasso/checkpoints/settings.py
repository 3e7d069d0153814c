"""Settings: what `python -m tensorboard_picasso log` is asked for."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tensorboard_picasso.checkpoints import LogError
from tensorboard_picasso.summary import edits
from tensorboard_picasso.summary.edits import Edit
from tensorboard_picasso.summary.log import steps
from tensorboard_picasso.summary.methods._segments import SLIC
from tensorboard_picasso.summary.methods.base import Method
from tensorboard_picasso.summary.methods.occlusion import Occlusion
from tensorboard_picasso.summary.probe.probe import OUTPUTS

METHODS = ("occlusion", "saliency")
# What changes what the model is given or what its answers are taken for, or where the images
# come from: recorded with the maps, so that a log that was begun with another value is known.
RECORDED = ("--probe", "--value-range", "--normalized", "--channels", "--preprocess", "--output")
# What a probe is made with beside `--images`.
_OF_IMAGES = (
    "preprocess", "name", "labels", "class_names", "regions", "max_images", "targets", "output",
    "value_range", "normalized", "channels",
)  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """The options, read; see `add_options`.

    segments: label maps that occlusion hides the segments of.
    edited: how many images are, 0: those that are explained; a function; or None.
    """

    checkpoints: Path
    images: Path | None
    probe: str | None
    logdir: Path
    model: str | None
    preprocess: str | None
    name: str | None
    labels: Path | None
    class_names: Path | None
    regions: Path | None
    max_images: int
    targets: tuple[str, ...]
    methods: tuple[Method, ...]
    segments: Path | None
    edited: int | str | None
    edits: tuple[Edit, ...]
    output: str
    value_range: tuple[float, float] | None
    normalized: tuple[Any, Any] | None
    channels: int | None
    step_pattern: str | None
    trust: bool
    listed: bool
    follow: bool
    workers: int | None
    ray: str | None
    about: dict[str, str]


def _local(text: str) -> Path:
    """A path; a Path of a URL would be another name."""
    if "://" in text:
        raise argparse.ArgumentTypeError(
            f"{text}: give a local path: copy it to this machine first"
        )
    return Path(text)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add(
        "--checkpoints",
        type=_local,
        required=True,
        metavar="DIR",
        help="looked through, with what is in it",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--images", type=_local, metavar="DIR", help="folders in it are classes")
    what.add_argument(
        "--probe",
        metavar="MODULE:FUNCTION",
        help="returns a summary.Probe of your own, in place of --images and what describes them",
    )
    add("--logdir", metavar="DIR", help="a run's own directory")
    add(
        "--model",
        metavar="MODULE:FUNCTION",
        help="builds the model, without arguments; not needed where checkpoints hold it",
    )
    add("--name", help="of the probe; default: that of the folder of images")
    add(
        "--labels",
        type=_local,
        metavar="FILE",
        help="lines image,class, or image,class,class; default: the images' folders",
    )
    add("--class-names", type=_local, metavar="FILE", help="one a line, in the model's order")
    add(
        "--regions",
        type=_local,
        metavar="PATH",
        help="a folder of masks REGION.png or REGION/IMAGE.png, COCO's file of instances, or VOC's"
        " folder Annotations",
    )
    add(
        "--max-images",
        type=int,
        metavar="N",
        help="default: 16, evenly over the classes",
    )
    add(
        "--targets",
        nargs="+",
        default=(),
        metavar="CLASS",
        help="explained beside label and prediction",
    )
    add_methods(parser)
    add(
        "--edited",
        nargs="?",
        const="0",
        metavar="N",
        help="ask too whether answers survive edits: of N images, or of those that are explained;"
        " beside --probe MODULE:FUNCTION of another probe",
    )
    add("--edits", nargs="+", metavar="NAME", help="which ones; default: all")
    add_values(parser)
    add(
        "--step-pattern", metavar="REGEX", help="its first group is the step in a checkpoint's path"
    )
    add(
        "--trust-pickle",
        action="store_true",
        help="run code that checkpoints hold: only of your own",
    )
    add(
        "--list",
        action="store_true",
        help="only say what --checkpoints has, and which step; needs nothing else",
    )
    add("--follow", action="store_true", help="go on with checkpoints that appear, until Ctrl-C")
    add(
        "--workers",
        type=int,
        metavar="N",
        help="processes that checkpoints are spread over; default: 1",
    )
    add("--ray", metavar="ADDRESS", help="spread them over this Ray cluster instead")


def add_methods(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how a model is explained."""
    add = parser.add_argument
    add("--methods", nargs="+", default=METHODS, metavar="NAME", help="default: occlusion saliency")
    add("--window", help="of occlusion: pixels, or a fraction such as 0.2")
    add("--stride", help="of occlusion, likewise")
    add("--fill", help="of occlusion: mean, grey, black, white, blur, noise or a value")
    add(
        "--segments",
        metavar="PATH",
        help="of occlusion, in place of windows: slic or slic:COUNT; a label map for all images, .npy"
        " or a PNG of one number a pixel; of log also a folder of IMAGE.npy or IMAGE.png",
    )
    add("--output", choices=OUTPUTS, help="what the model returns; default: auto")


def add_values(parser: argparse._ActionsContainer) -> None:
    """Add the options that say what a model is given of an image."""
    add = parser.add_argument
    add(
        "--preprocess",
        metavar="MODULE:FUNCTION",
        help="a batch of images to a batch of model inputs",
    )
    add(
        "--value-range",
        nargs=2,
        type=float,
        metavar=("LOW", "HIGH"),
        help="what black and white become, before --normalized; default: 0 1",
    )
    add(
        "--normalized",
        nargs=2,
        metavar=("MEAN", "STD"),
        help="what training subtracts, then divides by: a number, or one a channel with commas",
    )
    add("--channels", type=int, choices=(1, 3), help="grey or RGB; default: as each file has it")


def parse(given: argparse.Namespace) -> Settings:
    """Read the options.

    Raises:
      LogError, ValueError, TypeError: what is wrong with one.
    """
    if not given.list:
        if given.images is None and given.probe is None:
            raise LogError("pass --images or --probe: what is explained")
        if given.logdir is None:
            raise LogError("pass --logdir: where maps are logged")
    if given.logdir is not None and "://" in given.logdir:
        raise LogError(f"--logdir {given.logdir}: pass a local directory, as it is read too")
    if given.workers is not None and given.workers < 1:
        raise LogError(f"--workers {given.workers}: pass a number from 1")
    if given.probe is not None:
        _check_alone(given)
    if given.max_images is not None and given.max_images < 1:
        raise LogError(f"--max-images {given.max_images}: pass a number from 1")
    return Settings(
        checkpoints=given.checkpoints,
        images=given.images,
        probe=module_function("--probe", given.probe),
        logdir=Path(given.logdir or ""),
        model=module_function("--model", given.model),
        preprocess=module_function("--preprocess", given.preprocess),
        name=given.name,
        labels=given.labels,
        class_names=given.class_names,
        regions=given.regions,
        max_images=given.max_images or 16,
        targets=tuple(given.targets),
        methods=methods(given),
        segments=segments(given),
        edited=_edited(given),
        edits=edits.wanted(given.edits),
        output=given.output or "auto",
        value_range=value_range(given.value_range),
        normalized=normalized(given.normalized),
        channels=given.channels,
        step_pattern=given.step_pattern,
        trust=given.trust_pickle,
        listed=given.list,
        follow=given.follow,
        workers=given.workers,
        ray=given.ray,
        about=_about(given),
    )


def _about(given: argparse.Namespace) -> dict[str, str]:
    """What is recorded, as it would be passed again."""
    if given.probe is not None:
        return {"--probe": given.probe}
    values = {
        "--value-range": given.value_range or (0, 1),
        "--normalized": given.normalized,
        "--channels": given.channels and (given.channels,),
        "--preprocess": given.preprocess and (given.preprocess,),
        "--output": given.output and (given.output,),
    }
    return {
        option: " ".join(each if isinstance(each, str) else f"{each:g}" for each in value)
        for option, value in values.items()
        if value
    }


def _check_alone(given: argparse.Namespace) -> None:
    for name in _OF_IMAGES:
        if getattr(given, name):
            option = "--" + name.replace("_", "-")
            raise LogError(f"{option} beside --probe: give the probe that itself")


def module_function(option: str, word: str | None) -> str | None:
    """What names a function of the user's, as it is.

    Raises:
      LogError: it is no such name.
    """
    if word is not None and not all(word.partition(":")):
        raise LogError(f"{option} {word}: pass module:function")
    return word


def methods(given: argparse.Namespace) -> tuple[Method, ...]:
    """What `add_methods` asks for.

    Raises:
      LogError, ValueError: a method or a setting of occlusion that there is not.
    """
    options = {name: getattr(given, name) for name in ("window", "stride", "fill")}
    options = {name: _number(value) for name, value in options.items() if value is not None}
    asked = [*options, *(["segments"] if given.segments is not None else [])]
    if asked and Occlusion.name not in given.methods:
        raise LogError(f"--{asked[0]}: is of occlusion, which --methods leaves out")
    if given.segments is not None:
        for windows in ("window", "stride"):
            if windows in options:
                raise LogError(f"--segments beside --{windows}: pass one of them")
        options |= _superpixels(given.segments)
    return steps.wanted(
        [Occlusion(**options) if name == Occlusion.name else name for name in given.methods]
    )


def segments(given: argparse.Namespace) -> Path | None:
    """Where `--segments` has label maps; None where it asks for superpixels, or for nothing."""
    if given.segments is None or _superpixels(given.segments):
        return None
    return Path(given.segments)


def _superpixels(word: str) -> dict[str, Any]:
    """What is passed to `Occlusion` for `slic` or `slic:COUNT`; of another word nothing."""
    name, _, count = word.partition(":")
    if name != SLIC:
        return {}
    return {"segments": SLIC, "count": _number(count) if count else None}


def _edited(given: argparse.Namespace) -> int | str | None:
    word = given.edited
    if word is None:
        if given.edits:
            raise LogError(f"--edits {given.edits[0]}: pass --edited too")
        return None
    if not word.isdecimal():
        if given.probe is None:
            raise LogError(f"--edited {word}: pass a number of images")
        return module_function("--edited", word)
    if given.probe is not None and int(word):
        raise LogError(f"--edited {word} beside --probe: pass MODULE:FUNCTION, or no number")
    return int(word)


def _number(text: str) -> Any:
    """A whole number, a fraction, or a word as it is."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def value_range(given: list[float] | None) -> tuple[float, float] | None:
    """What `--value-range` says.

    Raises:
      LogError: it is no range.
    """
    if not given:
        return None
    low, high = given
    if low >= high:
        raise LogError(f"--value-range {low:g} {high:g}: pass LOW HIGH")
    return low, high


def normalized(given: list[str] | None) -> tuple[Any, Any] | None:
    """What `--normalized` says: mean and standard deviation, a number or one a channel each.

    Raises:
      LogError: they are none.
    """
    if given is None:
        return None
    values = []
    for text in given:
        try:
            numbers = [float(each) for each in text.split(",")]
        except ValueError as e:
            raise LogError(
                f"--normalized {text}: pass a number, or one a channel with commas"
            ) from e
        values.append(numbers[0] if len(numbers) == 1 else numbers)
    deviations = values[1] if isinstance(values[1], list) else [values[1]]
    if min(deviations) <= 0:
        raise LogError(f"--normalized: STD {given[1]} must be above 0")
    return values[0], values[1]
