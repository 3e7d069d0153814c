"""What may be asked of a probe's images: one file an edit. A new one is found by being here.

Other packages add edits through the entry-point group `tensorboard_picasso.edits`.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from tensorboard_picasso.summary.edits.base import Edit, Variant, View, key_of
from tensorboard_picasso.summary.kit import registry

__all__ = ["DEFAULT", "Edit", "Variant", "View", "key_of", "known", "wanted"]

GROUP = "tensorboard_picasso.edits"

# In the order in which they are asked.
DEFAULT = (
    "no colour",
    "donor's colours",
    "donor's sharpness",
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
    return registry.known(__name__, __path__, Edit)


def named(name: str) -> type[Edit]:
    """An edit by its name: one of this package, else one that another has registered.

    Raises:
      ValueError: there is none of that name, or several.
      TypeError: what is registered is no edit, or one of another name.
    """
    edit: type[Edit] = registry.named(name, known(), GROUP, "edit", Edit)
    return edit


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
