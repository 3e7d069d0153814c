"""What a request asks for: its arguments, each checked, with a reason where one is wrong."""

import math
from collections.abc import Sequence

from tensorboard import errors
from werkzeug import wrappers

from tensorboard_picasso.export.evolution import PREDICTED, MapSubject, TargetChoice
from tensorboard_picasso.export.means import MeanSubject
from tensorboard_picasso.serving.answers import Chosen
from tensorboard_picasso.stored.metadata import WHOLE_PROBE

MAX_MAPS = 512
OVERVIEW = 5


def argument(request: wrappers.Request, name: str) -> str:
    """An argument that must be there."""
    value = request.args.get(name)
    if value is None:
        raise errors.InvalidArgumentError(f"{name} is missing")
    return value


def flag(request: wrappers.Request, name: str) -> bool:
    """One that is true or false, by default false."""
    text = request.args.get(name, "false")
    if text not in ("true", "false"):
        raise errors.InvalidArgumentError(f'{name} "{text}": give true or false')
    return text == "true"


def probe_of(request: wrappers.Request) -> tuple[str, str]:
    """The run and the probe."""
    return argument(request, "run"), argument(request, "probe")


def _natural(text: str) -> int:
    """What digits say; int() would take signs, spaces and underscores too.

    Raises:
      ValueError: it is anything else, or longer than a step may be.
    """
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise ValueError(text)
    return int(text)


def index_of(name: str, text: str) -> int:
    """An index; name: of the argument that says it."""
    try:
        return _natural(text)
    except ValueError as e:
        raise errors.InvalidArgumentError(f'{name} "{text}": give an index such as 3') from e


def images_of(request: wrappers.Request) -> Sequence[int] | None:
    """Indices of images; None: all."""
    text = request.args.get("images")
    if text is None:
        return None
    try:
        return [_natural(part) for part in text.split(",")]
    except ValueError as e:
        raise errors.InvalidArgumentError(f'images "{text}": give indices such as 0,3') from e


def groups_of(request: wrappers.Request) -> Sequence[int] | None:
    """Groups of images; None: all."""
    text = request.args.get("groups")
    if text is None:
        return None
    try:
        return [_group(part) for part in text.split(",")]
    except ValueError as e:
        raise errors.InvalidArgumentError(
            f'groups "{text}": give probe, or classes such as 0,3'
        ) from e


def _target(text: str | None) -> TargetChoice:
    if text is None or text == PREDICTED:
        return PREDICTED if text else None
    return index_of("target", text)


def _group(text: str) -> int:
    return WHOLE_PROBE if text == "probe" else _natural(text)


def subject_of(request: wrappers.Request) -> MapSubject | MeanSubject:
    """Which map is exported: of an image and a class, or a mean over a group of images."""
    run, probe = probe_of(request)
    args = request.args
    group, named, target = args.get("group"), args.get("named"), args.get("target")
    if group is None and named is None:
        image, label = index_of("image", argument(request, "image")), argument(request, "label")
        return MapSubject(run, probe, image, label, _target(target))
    if target is not None or "image" in request.args:
        raise errors.InvalidArgumentError("group: a mean has no image and no target")
    if group is not None and named is not None:
        raise errors.InvalidArgumentError("group, named: a mean is over one of them")
    if group is None:
        return MeanSubject(run, probe, argument(request, "label"), argument(request, "named"))
    try:
        return MeanSubject(run, probe, argument(request, "label"), _group(group))
    except ValueError as e:
        raise errors.InvalidArgumentError(f'group "{group}": give probe or a class') from e


def _step(text: str) -> int:
    """A step of TensorBoard's: a whole number of 64 bits.

    Raises:
      ValueError: it is none.
    """
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
        raise ValueError(text)
    if not -(2**63) <= int(text) < 2**63:
        raise ValueError(text)
    return int(text)


def _overview(steps: Sequence[int]) -> frozenset[int]:
    """What the tab shows first: steps spread over all, and the newest beside each other."""
    last = len(steps) - 1
    spread = {steps[(2 * k * last + OVERVIEW) // (2 * OVERVIEW)] for k in range(OVERVIEW)}
    return frozenset(spread.union(steps[-OVERVIEW:]))


def grids_of(request: wrappers.Request) -> Chosen:
    """Of which steps grids are wanted, by default of none."""
    return _steps(request, "grids", "none")


def steps_of(request: wrappers.Request) -> Chosen:
    """Of which steps records are wanted, by default of all."""
    return _steps(request, "steps", "all")


def _steps(request: wrappers.Request, name: str, default: str) -> Chosen:
    """The steps of a series to those that an argument asks for."""
    text = request.args.get(name, default)
    if text == "none":
        return lambda steps: ()
    if text == "all":
        return frozenset
    if text == "overview":
        return lambda steps: _overview(steps) if steps else ()
    try:
        chosen = frozenset(map(_step, text.split(",")))
    except ValueError as e:
        raise errors.InvalidArgumentError(
            f'{name} "{text}": give none, overview, all or steps such as 0,100'
        ) from e
    return lambda steps: chosen


def maps_of(request: wrappers.Request) -> list[tuple[int, int, float]]:
    """Maps by image, step and wall time."""
    text = argument(request, "of")
    wanted = []
    for part in text.split(","):
        try:
            image, step, wall = part.split(":")
            wanted.append((_natural(image), _step(step), float(wall)))
            if not math.isfinite(wanted[-1][2]):
                raise ValueError(wall)
        except ValueError as e:
            raise errors.InvalidArgumentError(f'of "{part}": give image:step:wall') from e
    if len(wanted) > MAX_MAPS:
        raise errors.InvalidArgumentError(f"of names {len(wanted)} maps: at most {MAX_MAPS}")
    return wanted
