"""Names of classes, as people and folders have them."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path

from tensorboard_picasso.summary.kit import report
from tensorboard_picasso.trained import ModelError

_NEAR = 3  # names that are suggested


def index(word: str, names: Sequence[str]) -> int:
    """The class of a name, or of an index.

    Raises:
      ModelError: there is none, with the names that are near.
    """
    found = _named(word, names)
    if len(found) == 1:
        return found[0]
    if word.isdecimal() and (not names or int(word) < len(names)):
        return int(word)
    if found:
        told = " and ".join(map(str, found))
        raise ModelError(f'--targets: classes {told} are called "{word}": pass an index')
    near = difflib.get_close_matches(_plain(word), {_plain(each) for each in names}, _NEAR)
    listed = [each for each in names if _plain(each) in near]
    hint = f"near are {', '.join(listed)}" if listed else "pass its index"
    raise ModelError(f'--targets: no class is called "{word}": {hint}')


def labels(folders: Mapping[Path, str], names: Sequence[str]) -> list[int] | None:
    """The class of each picture by its folder, where that is named for one; None: not of all.

    Args:
      folders: of each picture the name of its folder, "" where that tells nothing.
      names: of the classes.
    """
    found = [_named(folder, names) if folder else [] for folder in folders.values()]
    known = sum(len(each) == 1 for each in found)
    if known == len(found):
        return [only for (only,) in found]
    if known:
        report.tell(
            "labels",
            f"{known} of {len(found)} pictures are in a folder that is named for a class: without"
            " one for each no class is taken for the true one",
        )
    return None


def _named(word: str, names: Sequence[str]) -> list[int]:
    """The classes that are called so; where none is to the letter, but for case and underscores."""
    exact = [at for at, each in enumerate(names) if each == word]
    return exact or [at for at, each in enumerate(names) if _plain(each) == _plain(word)]


def _plain(name: str) -> str:
    return name.replace("_", " ").lower()
