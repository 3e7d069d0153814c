"""How a model is called beside its image, and what of its output is scored."""

import inspect
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import FunctionType
from typing import Any
from weakref import WeakKeyDictionary

Parameters = list[inspect.Parameter] | None

_EITHER = inspect.Parameter.POSITIONAL_OR_KEYWORD
_BY_NAME = (_EITHER, inspect.Parameter.KEYWORD_ONLY)
_IN_ORDER = (_EITHER, inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL)
# Arguments of a call that are no inputs.
_MODES = ("training", "train", "mask", "deterministic")
# What methods take, for as long as their classes are there.
_METHODS: WeakKeyDictionary[FunctionType, Parameters] = WeakKeyDictionary()


class UnsupportedError(TypeError):
    """The model cannot do what is asked: its type, and what is missing."""


@dataclass(frozen=True)
class Call:
    """One image among several inputs, one score among several outputs.

    Attributes:
      names: of the other inputs, where they are named. count: how many there are.
      image: the name of the image's input, where it is told; of inputs without names
        its place.
      pick: which of several outputs is scored: its name or index.
      score: a function from the outputs to scores, given `score_names` as keywords.
    """

    names: tuple[str, ...] = ()
    count: int = 0
    image: str | int | None = None
    pick: str | int | None = None
    score: Callable[..., Any] | None = None
    score_names: tuple[str, ...] = ()

    def outputs(
        self, function: Callable[..., Any], known: Callable[..., Any], x: Any, others: Sequence[Any]
    ) -> Any:
        """Call a model.

        Args:
          function: it.
          known: what has the names of its arguments.
          x: the batch of images.
          others: its other inputs, then what the score function gets beside the outputs.

        Raises:
          UnsupportedError: it takes more inputs than are given, or it is not told which
            input the image is.
        """
        values = list(others[: self.count])
        named_image = isinstance(self.image, str)
        if not values and not named_image:
            return _alone(function, known, x)
        parameters = _parameters(known)
        if not self.names and not named_image:
            values.insert(int(self.image or 0), x)
            return _in_order(function, parameters, values)
        named = dict(zip(self.names, values, strict=True))
        if isinstance(self.image, str):
            named[self.image] = x
            return _by_name(function, known, parameters, named)
        if _takes(parameters, named):
            return _first_free(function, parameters, x, named)
        raise UnsupportedError(
            f"{_called(known)} has no arguments {', '.join(self.names)}: where it takes one dict,"
            " name the image too, as None: inputs={'image': None, …}"
        )

    def scored(self, outputs: Any, name: str, others: Sequence[Any]) -> Any:
        """What is explained of a model's outputs: one tensor.

        Raises:
          UnsupportedError: there is no such output, or several are left.
        """
        if self.pick is not None:
            outputs = self._picked(outputs, name)
        if self.score is None:
            return single(outputs, name)
        given = dict(zip(self.score_names, others[self.count :], strict=True))
        result = self.score(outputs, **given)
        shape = getattr(result, "shape", None)
        if shape is None:
            raise UnsupportedError(
                f"score= returns {type(result).__name__}: return scores (n,) or (n, k), in the"
                " framework's own tensors"
            )
        rank = shape.rank if hasattr(shape, "rank") else len(shape)
        if rank == 0:
            raise UnsupportedError("score= returns one number: return scores (n,) or (n, k)")
        return result[:, None] if rank == 1 else result

    def _picked(self, outputs: Any, name: str) -> Any:
        if hasattr(outputs, "_asdict"):  # a named tuple
            outputs = outputs._asdict() if isinstance(self.pick, str) else outputs
        if isinstance(outputs, dict):
            has = f"outputs {', '.join(map(repr, outputs))}"
        elif isinstance(outputs, list | tuple):
            has = f"{len(outputs)} outputs, 0 to {len(outputs) - 1}"
        else:
            raise UnsupportedError(
                f"pick={self.pick!r}: {name} returns one output, no dict or list"
            )
        try:
            return outputs[self.pick]
        except (KeyError, IndexError, TypeError):
            raise UnsupportedError(f"pick={self.pick!r}: {name} returns {has}") from None


# Of a model that takes an image and returns scores.
PLAIN = Call()


def by_rows(output: Any, count: int) -> Any:
    """Scores (n, classes) of an output that lost an axis, as `squeeze` takes them.

    (n,) is one score an image; of a batch of one (classes,) are its scores. What is
    neither stays as it is.
    """
    shape = tuple(output.shape)
    if len(shape) == 1 and shape[0] == count:
        return output.reshape(count, 1)
    return output.reshape(1, -1) if len(shape) < 2 and count == 1 else output


def single(output: Any, name: str) -> Any:
    """The one thing in what a model returns: alone, or the only one in a dict, list or tuple.

    Raises:
      UnsupportedError: there are several.
    """
    while isinstance(output, dict | list | tuple):
        if len(output) != 1:
            raise UnsupportedError(
                f"{name} returns {len(output)} outputs: pass pick= (a name or index), or score="
            )
        output = next(iter(output.values() if isinstance(output, dict) else output))
    return output


def _alone(function: Callable[..., Any], known: Callable[..., Any], x: Any) -> Any:
    """Call with nothing but the image; what needs more is named."""
    parameters = _parameters(known)
    needed = _needed(parameters)
    if len(needed) == 1 and not any(each.kind in _IN_ORDER for each in parameters or []):
        return function(**dict.fromkeys(needed, x))
    try:
        return function(x)
    except (TypeError, IndexError) as e:
        if len(needed) > 1:
            raise _several(known, needed) from e
        if (key := _first_key(known)) is not None:
            raise UnsupportedError(
                f"{_called(known)} takes a dict with {key!r}: give the probe inputs={{{key!r}: None}},"
                " None for the image"
            ) from e
        raise


class _Asked(dict[str, Any]):
    """An empty dict that keeps what it is asked for first."""

    first: str | None = None

    def __missing__(self, key: str) -> Any:
        self.first = self.first or key
        raise KeyError(key)


def _first_key(function: Callable[..., Any]) -> str | None:
    """What a function that failed with an array asks a dict for; None where it takes none."""
    asked = _Asked()
    # Whatever it raises: it was given nothing.
    with suppress(Exception):
        function(asked)
    return asked.first


def _by_name(
    function: Callable[..., Any],
    known: Callable[..., Any],
    parameters: Parameters,
    named: dict[str, Any],
) -> Any:
    """Call with all inputs by name: as arguments, or in one dict where it has none of them."""
    needed = _needed(parameters)
    if _takes(parameters, named) and needed.keys() <= named.keys():
        return function(**named)
    if not named.keys().isdisjoint(each.name for each in parameters or []):
        raise _several(known, needed)
    try:
        return function(named)
    except KeyError as e:
        raise UnsupportedError(
            f"{_called(known)} asks for {e}, and inputs= has {', '.join(map(repr, named))}: name it"
            " there"
        ) from e


def _several(known: Callable[..., Any], needed: Collection[str]) -> UnsupportedError:
    return UnsupportedError(
        f"{_called(known)} takes {len(needed)} inputs ({', '.join(needed)}): give the probe inputs="
        " with all but the image"
    )


def _in_order(function: Callable[..., Any], parameters: Parameters, values: list[Any]) -> Any:
    """Call with inputs one after another, or with one list of them where it takes no more."""
    if parameters is None or any(each.kind is each.VAR_POSITIONAL for each in parameters):
        return function(*values)
    inputs = [each for each in parameters if each.name not in _MODES]
    takes = sum(each.kind in (each.POSITIONAL_ONLY, _EITHER) for each in inputs)
    return function(*values) if takes >= len(values) else function(values)


def _needed(parameters: Parameters) -> dict[str, None]:
    """Arguments without a default, in their order."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, *_BY_NAME)
    return dict.fromkeys(
        parameter.name
        for parameter in parameters or []
        if parameter.kind in kinds and parameter.default is parameter.empty
    )


def _takes(parameters: Parameters, named: dict[str, Any]) -> bool:
    """Whether there are arguments of these names."""
    if parameters is None or any(each.kind is each.VAR_KEYWORD for each in parameters):
        return True
    return named.keys() <= {each.name for each in parameters if each.kind in _BY_NAME}


def _first_free(
    function: Callable[..., Any], parameters: Parameters, x: Any, named: dict[str, Any]
) -> Any:
    """Call with the image as the first argument that is not named."""
    listed = parameters or []
    place = next((at for at, each in enumerate(listed) if each.name not in named), None)
    if place is not None:
        free = listed[place]
        # An argument that follows named ones, or one given to a partial, has its name alone.
        if free.kind is free.KEYWORD_ONLY or (place and free.kind is _EITHER):
            return function(**{free.name: x}, **named)
    return function(x, **named)


def _parameters(known: Callable[..., Any]) -> Parameters:
    """Of a call. Of a class's methods they are read once, as they are asked for at each batch."""
    method = getattr(known, "__func__", None)
    # What wraps another function says what that one takes.
    if type(method) is not FunctionType or vars(method):
        return _read(known)
    if method not in _METHODS:
        _METHODS[method] = _read(known)
    return _METHODS[method]


def _read(known: Callable[..., Any]) -> Parameters:
    try:
        return list(inspect.signature(known).parameters.values())
    except (TypeError, ValueError):
        return None


def _called(function: Any) -> str:
    owner = getattr(function, "__self__", None)
    name = getattr(function, "__qualname__", type(function).__name__)
    return str(name if owner is None else type(owner).__name__)
