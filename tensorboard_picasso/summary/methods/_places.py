"""How what a layer returns lies over the image: in rows and columns, or as tokens of these.

It is told by the kinds of layers and by sides in the input's proportions. Where tokens stand for
places, and which stand for none (class, distillation, registers), is measured: by which of them
change with the image, and with its upper half. What stays open is an error, never a guess.
Nothing can be measured of a model that is not a number.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.summary.backends import Backend
from tensorboard_picasso.summary.backends.base import Layer, UnsupportedError, broken
from tensorboard_picasso.summary.methods.base import BrokenError

Array = NDArray[Any]
Side = tuple[int, int]
# Rows and columns; of volumes slices, rows and columns.
Sides = tuple[int, ...]

# A token that does not hang on the image changes by less than this part of the largest value.
_STILL = 1e-6


@dataclass(frozen=True)
class Places:
    """Where the places of a layer's output for one image are.

    shape: of that output: (tokens, channels), or with rows, columns and channels; of volumes with
      slices, rows, columns and channels.
    first: its channels come before its rows and columns.
    aside: tokens that stand for no place.
    slices: of volumes how many there are.
    """

    shape: tuple[int, ...]
    rows: int
    columns: int
    first: bool = False
    aside: tuple[int, ...] = ()
    slices: int = 0

    def of(self, values: Array) -> Array:
        """Values (n, …) of the layer as (n, rows, columns, channels); of volumes sheets."""
        if self.first:
            values = np.moveaxis(values, 1, -1)
        if self.first or self.slices:
            return values.reshape(len(values), -1, *values.shape[-2:])
        if self.aside:
            values = np.delete(values, self.aside, axis=1)
        return values.reshape(len(values), self.rows, self.columns, self.shape[-1])

    @property
    def asked(self) -> NDArray[np.bool_]:
        """Which numbers of an output stand for places."""
        places = np.ones(self.shape, bool)
        places[list(self.aside)] = False
        return places

    @property
    def parameters(self) -> dict[str, str]:
        """What a record says of it."""
        count = len(self.aside)
        return {"tokens": f"{count} token{'s' if count > 1 else ''} set aside"} if count else {}


class UnclearError(ValueError):
    """A layer whose places cannot be told, and why."""


class Layers:
    """A model's layers, as one image goes through them.

    Args:
      x: the image as the model takes it.
      laid: a batch of model inputs as (n, height, width, channels), or volumes.
    """

    def __init__(self, backend: Backend, x: Array, laid: Callable[[Array], Array]) -> None:
        self._backend = backend
        self._x = x
        self._places = laid(np.arange(x.size).reshape(1, *x.shape))[0]
        self._size: Sides = self._places.shape[:-1]
        self._known: dict[Any, Any] = backend.known.setdefault("places", {})
        self._seen: list[Layer] | None = None

    def forget(self) -> None:
        """Look at the layers again."""
        self._known.clear()
        self._seen = None

    @property
    def _calls(self) -> list[Layer]:
        if self._seen is None:
            # Two, so that what has another number of rows, as of windows, is told from images.
            self._seen = self._backend.layers(np.stack([self._x, self._x]))
        return self._seen

    @property
    def _shapes(self) -> set[tuple[int, ...]]:
        return {each.shape for each in self._calls if each.shape}

    def named(self, name: str) -> Places:
        """The places of a named layer.

        Raises:
          ValueError: they cannot be told, or none of them reaches the scores.
          UnsupportedError: there is no such layer.
        """
        key = name, self._x.shape, self._x.dtype
        if key not in self._known:
            self._known[key] = self._named(name)
        places: Places = self._known[key]
        return places

    def last(self) -> tuple[str, Places]:
        """The last layer that returns images or tokens whose places reach the scores.

        Raises:
          UnsupportedError: there is none, or layers cannot be seen.
        """
        calls = tuple(self._calls)
        key = calls, self._x.shape, self._x.dtype
        if key not in self._known:
            self._known[key] = self._last()
        named_places: tuple[str, Places] = self._known[key]
        return named_places

    def _named(self, name: str) -> Places:
        calls = [each for each in self._calls if each.name == name]
        if len(calls) != 1 or calls[0].shape is None:
            # Its absence, calls and outputs are named by who looks for them.
            shape = self._backend.activations(self._x[None], name).shape
            raise UnclearError(
                f"layer {name!r} returns {shape} for one image and no row an image for several:"
                " name another one"
            )
        try:
            places = self._places_of(calls[0])
        except UnclearError as e:
            remedy = (
                ", or give the probe a postprocess= that makes (n, height, width, channels) of it"
            )
            remedy = "" if len(self._size) == 3 else remedy
            raise UnclearError(
                f"layer {name!r} returns {calls[0].shape} for an image: {e}; name another layer="
                f"{remedy}"
            ) from None
        if places.aside and not self._reaches(name, places):
            raise UnclearError(
                f"layer {name!r}: of its tokens only those that stand for no place reach the"
                f" scores, so its maps are zero: pass layer={self.last()[0]!r}, or one before it"
            )
        return places

    def _last(self) -> tuple[str, Places]:
        counts = Counter(each.name for each in self._calls)
        for layer in reversed(self._calls):
            # What is called twice is no one place; an attention's inside is none at all.
            if layer.inside or counts[layer.name] > 1 or not layer.shape:
                continue
            try:
                places = self._places_of(layer)
            except UnclearError:
                continue
            tokens = len(layer.shape) == 2
            if not tokens or self._reaches(layer.name, places):
                return layer.name, places
        last = ", ".join(f"{each.name!r} {each.shape}" for each in self._calls[-3:] if each.shape)
        if len(self._size) == 3:
            raise UnsupportedError(
                f"the model has no layer that returns volumes (it ends in {last}): use Saliency, or"
                " Occlusion"
            )
        raise UnsupportedError(
            f"the model has no layer that returns images (it ends in {last}): pass layer=, and give"
            " the probe a postprocess= that makes (n, height, width, channels) of what it returns"
        )

    def _reaches(self, name: str, places: Places) -> bool:
        if broken(self._backend.scores(self._x[None])):
            raise BrokenError
        return self._backend.reaches(self._x[None], name, places.asked)

    def _places_of(self, layer: Layer) -> Places:
        shape = layer.shape or ()
        places = None
        if len(shape) == len(self._size) + 1:
            places = self._of_image(layer, shape)
        elif len(shape) == 2:
            places = self._of_tokens(layer, (shape[0], shape[1]))
        if places is None or places.rows * places.columns * max(1, places.slices) < 2:
            raise UnclearError("it has no rows and columns")
        return places

    def _of_image(self, layer: Layer, shape: Sides) -> Places:
        sides = {"first": shape[1:], "last": shape[:-1]}
        told = {layer.channels} if layer.channels else self._told(shape)
        if layer.images and layer.channels:
            fitting = [layer.channels]
        elif layer.inside:
            raise UnclearError("it is inside an attention")
        elif len(told) == 1 and told == self._told(shape, images=True):
            fitting = list(told)
        else:
            fitting = [each for each, side in sides.items() if fits(side, self._size)]
            if len(told) == 1:
                fitting = [each for each in fitting if each in told]
            elif not told:
                # Heads, tokens and their numbers are three sides too.
                counts = {each[0] for each in self._shapes if len(each) == 2}
                fitting = [each for each in fitting if counts.isdisjoint(sides[each])]
        if not fitting:
            raise UnclearError(f"no sides of it are as {' × '.join(map(str, self._size))}")
        if len(fitting) > 1:
            raise UnclearError("its channels may come first or last")
        *slices, rows, columns = sides[fitting[0]]
        first = fitting[0] == "first"
        return Places(shape, rows, columns, first, slices=slices[0] if slices else 0)

    def _told(self, shape: tuple[int, ...], images: bool = False) -> set[str]:
        """Where layers whose kind tells have the channels of what is of this shape."""
        return {
            call.channels
            for call in self._calls
            if call.channels and call.shape == shape and (call.images or not images)
        }

    def _of_tokens(self, layer: Layer, shape: tuple[int, int]) -> Places:
        if len(self._size) == 3:
            raise UnclearError("it has no slices, rows and columns")
        count = shape[0]
        told = {layer.channels} if layer.channels else self._told(shape)
        if told == {"first"}:
            raise UnclearError("its channels come first")
        still, upper = self._measured(count)
        placed = [each for each in range(count) if each not in still]
        if len(placed) < 2:
            raise UnclearError("it has no rows and columns")
        rows, columns = self._grid(len(placed))
        if len(upper) < len(placed):
            if not upper or upper != placed[: len(upper)] or len(upper) % columns:
                raise UnclearError("its tokens do not run row by row")
        elif told != {"last"} or (rows, columns) not in self._merged(count):
            raise UnclearError("which of its numbers are tokens cannot be told")
        return Places(shape, rows, columns, aside=tuple(still))

    def _measured(self, count: int) -> tuple[list[int], list[int]]:
        """Of so many tokens those that stay where the image changes, and which its upper half changes.

        In the first layer that has as many, before they mix.
        """
        key = "tokens", count, self._x.shape, self._x.dtype
        if key not in self._known:
            self._known[key] = self._measure(count)
        tokens: tuple[list[int], list[int]] = self._known[key]
        return tokens

    def _measure(self, count: int) -> tuple[list[int], list[int]]:
        counts = Counter(each.name for each in self._calls)
        same = [
            call.name
            for call in self._calls
            if call.shape and len(call.shape) == 2 and call.shape[0] == count
        ]
        first = next((each for each in same if counts[each] == 1), None)
        if first is None:
            return [], list(range(count))
        x, random = self._x, np.random.default_rng(0)
        low, high = float(x.min()), float(x.max())
        high = high if high > low else low + 1
        other = (low + (high - low) * random.random(x.shape)).astype(x.dtype)
        upper = x.copy()
        half = self._places[: self._size[0] // 2].ravel()
        upper.flat[half] = other.flat[half]
        whole, *changed = self._backend.activations(np.stack([x, other, upper]), first)
        if not np.isfinite([whole, *changed]).all():
            raise BrokenError
        scale = np.abs(whole).max()
        by_all, by_upper = (np.abs(each - whole).max(axis=1) > _STILL * scale for each in changed)
        return np.flatnonzero(~by_all).tolist(), np.flatnonzero(by_upper & by_all).tolist()

    def _grid(self, count: int) -> Side:
        """Rows and columns of so many places.

        Raises:
          UnclearError: there are none, or several.
        """
        near = {side for side in self._image_sides() if side[0] * side[1] == count}
        possible = grids(count, self._size)
        if len(near) == 1:
            return near.pop()
        if len(both := near & possible) == 1:
            return both.pop()
        if len(possible) == 1:
            return possible.pop()
        height, width = self._size
        several = " or ".join(f"{rows} × {columns}" for rows, columns in sorted(possible))
        raise UnclearError(
            f"{count} tokens may be {several}"
            if several
            else f"{count} tokens are no grid of {height} × {width}"
        )

    def _image_sides(self) -> set[Side]:
        """Rows and columns of what convolutions and the like return."""
        sides = set()
        for call in self._calls:
            if call.images and call.shape and len(call.shape) == 3 and not call.inside:
                first = call.channels == "first"
                sides.add(call.shape[1:] if first else call.shape[:2])
        return {(rows, columns) for rows, columns in sides}

    def _merged(self, count: int) -> set[Side]:
        """Rows and columns that are known, and what halving them leaves.

        Args:
          count: tokens whose own number tells nothing.
        """
        known = self._image_sides()
        for other in {each[0] for each in self._shapes if len(each) == 2 and each[0] > count}:
            still, upper = self._measured(other)
            if len(upper) < other - len(still):
                known |= grids(other - len(still), self._size)
        sides = set(known)
        for side in known:
            halved = side
            while halved != (1, 1):
                halved = -(-halved[0] // 2), -(-halved[1] // 2)
                sides.add(halved)
        return sides


def grids(count: int, size: Sides) -> set[Side]:
    """Rows and columns of so many square patches that an image of this size may be cut into."""
    return {
        (rows, count // rows)
        for rows in range(1, count + 1)
        if count % rows == 0 and fits((rows, count // rows), size)
    }


def fits(counts: Sides, size: Sides) -> bool:
    """Whether patches of some one side make so many rows and columns, but for what is left over.

    Of a height of 7 and patches of 2 these are three rows, or four. Of volumes likewise, of slices
    too.
    """
    pairs = list(zip(counts, size, strict=True))
    least = max(side / (count + 1) for count, side in pairs)
    below = [side / (count - 1) for count, side in pairs if count > 1]
    return least < min(below, default=np.inf)
