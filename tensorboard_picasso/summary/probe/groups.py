"""Groups: of each image which of a few kinds it is, such as the hospital that it is from."""

from typing import Any

import numpy as np

# Different ones in a probe: each has a line in a chart and a place in a menu.
MAX_GROUPS = 64


def checked(given: Any, count: int, kept: int) -> tuple[str | None, ...] | None:
    """Groups as a user gives them, one an image; None where there are none.

    Args:
      given: names: strings or whole numbers, None of an image that belongs to none. A list, an
        array, a tensor or a column of a table.
      count: how many images there are. kept: how many of them, the first ones, are kept.

    Raises:
      TypeError, ValueError: they are not one each, no names, or too many, with the remedy.
    """
    if given is None:
        return None
    names = tuple(map(name, listed(given)))
    if len(names) != count:
        raise ValueError(f"groups: {len(names)} for {count} images: pass one an image, or None")
    names = names[:kept]
    different = {each for each in names if each is not None}
    if len(different) > MAX_GROUPS:
        raise ValueError(
            f"groups has {len(different)} names: pass at most {MAX_GROUPS}, and None for the rest"
        )
    return names


def listed(given: Any) -> list[Any]:
    """What stands in a list, an array, a tensor or a column of a table; of one value a list of it.

    Raises:
      TypeError: it is none of these.
    """
    if given is None or isinstance(given, str | bytes | int):
        return [given]
    if callable(getattr(given, "tolist", None)):
        given = given.tolist()
    elif callable(getattr(given, "numpy", None)):  # TensorFlow's
        given = np.asarray(given.numpy()).tolist()
    elif not isinstance(given, list | tuple):
        raise TypeError(f"groups={given!r}: pass a list of names, one an image")
    if not isinstance(given, list | tuple):
        return [given]
    return [each.item() if callable(getattr(each, "item", None)) else each for each in given]


def name(value: Any) -> str | None:
    """The name of a group, from a string or a whole number; None: of none.

    Raises:
      TypeError, ValueError: it is neither, or empty.
    """
    if value is None:
        return None
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError(f"group {value!r} is a {type(value).__name__}: pass names, or None")
    if not str(value).strip():
        raise ValueError(f"group {value!r} is empty: pass None where an image belongs to none")
    return str(value)
