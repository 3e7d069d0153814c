"""Steps and epochs as they stand in the names of checkpoints."""

import re
from dataclasses import dataclass
from pathlib import PurePath

# A word for steps or epochs, then its number: "step=500", "epoch-03", "ckpt500". The
# words of the second kind say that something is counted, and not what.
_WORDS = r"(?<![^\W\d_])(?:{})[-_=.: ]{{0,2}}(\d+)(?![.,]?\d)"
_STEP = re.compile(_WORDS.format(r"global[-_ ]?step|steps?|iter(?:ation)?s?|updates?"), re.I)
_EPOCH = re.compile(_WORDS.format(r"epochs?|ep"), re.I)
_COUNT = re.compile(_WORDS.format(r"ckpt|checkpoint|chkpt|cp|model|weights|params"), re.I)
# A number that is no part of a word (resnet50), a fraction (0.45) or a metric (acc=91).
_NUMBER = re.compile(r"(?<![\w.=])(?<!\d[.,])(\d+)(?![\w=]|[.,]\d)")
_FRACTION = re.compile(r"\d+[.,]\d+")


@dataclass(frozen=True)
class Progress:
    """Where in training a checkpoint stands; None: not known.

    number: a count of which is not said whether of steps or saves, as in "ckpt-500".
    source: where it was found, for people.
    """

    step: int | None = None
    epoch: int | None = None
    number: int | None = None
    source: str = ""


def in_name(name: PurePath) -> Progress:
    """What the path of a checkpoint says, its own name before those of the folders around it.

    Args:
      name: relative to the folder of all checkpoints.
    """
    for part in (name.name, *reversed(name.parent.parts)):
        progress = _of(part)
        if progress != Progress():
            return progress
    return Progress()


def by_pattern(name: PurePath, pattern: re.Pattern[str]) -> Progress:
    """What the caller's own pattern, whose first group is the step, finds in a path."""
    match = pattern.search(name.as_posix())
    if match is None:
        return Progress()
    try:
        return Progress(step=int(match[1]), source="--step-pattern")
    except (ValueError, IndexError):
        return Progress()


def _of(part: str) -> Progress:
    step, epoch = _STEP.search(part), _EPOCH.search(part)
    if step or epoch:
        words = [each[0][: each.start(1) - each.start()] for each in (step, epoch) if each]
        return Progress(
            int(step[1]) if step else None,
            int(epoch[1]) if epoch else None,
            source=f'"{words[0]}" in names',
        )
    count = _COUNT.search(part)
    if count:
        word = count[0][: count.start(1) - count.start()]
        return Progress(number=int(count[1]), source=f'"{word}" in names')
    numbers = _NUMBER.findall(_FRACTION.sub("x", part.replace("_", " ")))
    if len(numbers) == 1:
        return Progress(number=int(numbers[0]), source="the number in names")
    return Progress()
