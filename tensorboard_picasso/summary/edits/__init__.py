"""What may be asked of a probe's images: one file an edit. A new one is found by being here.

Other packages add edits through the entry-point group `tensorboard_picasso.edits`.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Sequence
from importlib import metadata
from typing import Any

from tensorboard_picasso.summary.edits.base import Edit, Variant, View

__all__ = ["DEFAULT", "Edit", "Variant", "View", "known", "wanted"]

GROUP = "tensorboard_picasso.edits"

# In the order in which they are asked.
DEFAULT = (
    "no colour",
    "donor's colours",
    "blurred",
    "fine detail only",
    "shuffled 4×4",
    "mirrored",
    "top",
    "middle",
    "bottom",
    "left",
    "centre",
    "right",
    "border",
    "inside",
    "corners",
    "regions",
)


def known() -> dict[str, type[Edit]]:
    """The edits of this package by name."""
    found: dict[str, type[Edit]] = {}
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        for value in vars(module).values():
            if _is_edit(value) and value.__module__ == module.__name__:
                found[value.name] = value
    return found


def named(name: str) -> type[Edit]:
    """An edit by its name: one of this package, else one that another has registered.

    Raises:
      ValueError: there is none of that name, or several.
      TypeError: what is registered is no edit, or one of another name.
    """
    ours = known()
    if name in ours:
        return ours[name]
    registered = metadata.entry_points(group=GROUP)
    found = {entry.value: entry for entry in registered if entry.name == name}
    if not found:
        others = sorted({*ours, *registered.names})
        raise ValueError(f"edit {name!r} is unknown: pass one of {', '.join(others)}")
    if len(found) > 1:
        raise ValueError(f"edit {name!r} is registered by {' and '.join(sorted(found))}")
    ((value, entry),) = found.items()
    edit = entry.load()
    if not _is_edit(edit) or edit.name != name:
        raise TypeError(f"edit {name!r}: {value} is no edit of that name")
    return edit  # type: ignore[no-any-return]


def wanted(edits: Sequence[Edit | str] | None) -> tuple[Edit, ...]:
    """The edits that are asked for; None asks for `DEFAULT`.

    Raises:
      TypeError: no sequence of edits.
      ValueError: none, two of one name, or an unknown name.
    """
    if edits is None:
        edits = DEFAULT
    if isinstance(edits, str | Edit) or not isinstance(edits, Iterable):
        raise TypeError(f"edits={edits!r}: pass a list, such as ['no colour', 'blurred']")
    made: list[Any] = [named(edit)() if isinstance(edit, str) else edit for edit in edits]
    for edit in made:
        if not isinstance(edit, Edit):
            raise TypeError(f"edits: {edit!r} is no edit: pass a name, such as 'blurred'")
    if not made:
        raise ValueError("edits is empty: pass at least one, or leave it out")
    names = [edit.name for edit in made]
    if len(set(names)) < len(names):
        raise ValueError(f"edits have names {names}: pass each once")
    return tuple(made)


def _is_edit(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, Edit) and not inspect.isabstract(value)
