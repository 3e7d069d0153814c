"""What a log says of a training, as numbers beside its truth: read back through the product."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import tensorboard_picasso
from benchmarks.cues.cues import Cue
from benchmarks.cues.training import MAPPED, SORTS, Run
from tensorboard_picasso.export.editarrays import Edits
from tensorboard_picasso.numbers import edits

# What is read of an edit, and in which form it is one of the measures.
NUMBERS = ("moves", "flips", "follows", "costs")
SHARES = {"occlusion": "share of occlusion", "saliency": "share of saliency"}
# So much accuracy lost is reliance that ought to be seen.
SEEN = 0.1
# A cue's edit ought to be among so many rows.
ROWS = 3


def measured(run: Run, folder: Path) -> dict[str, Any]:
    """What the log of a training says.

    Returns:
      measures: by sort of probe and name, of each step. ranks: by sort and place in the list, of
      the cue's edits, with its region named and without any. flags: how many edits of regions are
      flagged at the end, and of how many that can be. onset: the step from which on that of the
      cue is, on the probe as trained; None where it is not, absent where none can be.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (logged,) = tensorboard_picasso.read(folder).values()
    cue = run.cue
    samples = {sort: logged[sort].edits() for sort in (SORTS if cue else SORTS[:1])}
    onsets = onsets_of(samples[SORTS[0]])
    found: dict[str, Any] = {
        "flags": {
            "edits": len(onsets),
            "flagged": [name for name, onset in onsets.items() if onset is not None],
        },
    }
    if cue is None:
        return found
    found["measures"] = {
        sort: {**_of_edits(cue, sample), **_shares(cue, logged, sort)}
        for sort, sample in samples.items()
    }
    found["ranks"] = {
        sort: {
            "named": rank(sample, (cue.swapped, cue.hidden, *cue.unnamed)),
            "unnamed": rank(sample, cue.unnamed, named=False),
        }
        for sort, sample in samples.items()
    }
    if cue.swapped in onsets:
        onset = onsets[cue.swapped]
        found["onset"] = None if onset is None else int(onset.place)
    return found


def onsets_of(sample: Edits) -> dict[str, edits.Onset | None]:
    """Of each edit that has references elsewhere since when it is flagged, at a level divided by their number, as the tab has it."""
    found = beyond_of(sample)
    compared = len({about.matched for about in sample.about.values() if about.matched})
    return {name: edits.onset(values, compared) for name, values in found.items()}


def beyond_of(sample: Edits) -> dict[str, NDArray[np.float64]]:
    """By how much more an edit moves each answer than the same elsewhere, (steps, images), where that was asked."""
    moves = dict(zip(sample.names, np.moveaxis(sample.moves, 1, 0), strict=True))
    matched: dict[str, list[Any]] = {}
    for name, about in sample.about.items():
        if about.matched:
            matched.setdefault(about.matched, []).append(moves[name])
    return {
        name: edits.beyond(moves[name], np.stack(others, 1))
        for name, others in matched.items()
        if np.isfinite(others).any()
    }


def rank(sample: Edits, wanted: Sequence[str], named: bool = True) -> int | None:
    """The best place of some edits in the tab's list, from 1: by moves at the newest step.

    named: whether the rows of named regions are there.
    """
    rows = [
        (name, moves)
        for name, moves in zip(sample.names, mean(sample.moves[-1]), strict=True)
        if not sample.about[name].matched and (named or not sample.about[name].region)
    ]
    order = [
        name for name, _ in sorted(rows, key=lambda row: -row[1] if np.isfinite(row[1]) else 1)
    ]
    places = [order.index(name) + 1 for name in wanted if name in order]
    return min(places, default=None)


def _of_edits(cue: Cue, sample: Edits) -> dict[str, list[float]]:
    found, beyond = {}, beyond_of(sample)
    for form, name in (("swapped", cue.swapped), ("hidden", cue.hidden)):
        for number in NUMBERS if name else ():
            if (form, number) == ("hidden", "follows"):
                continue
            values = getattr(sample, number)[:, sample.names.index(name)]
            if number == "flips":
                asked = np.isfinite(sample.moves[:, sample.names.index(name)])
                values = np.where(asked, values, np.nan)
            found[f"{number}, {form}"] = [*map(float, mean(values))]
        if name in beyond:
            found[f"moves beyond elsewhere, {form}"] = [*map(float, mean(beyond[name]))]
    return found


def _shares(cue: Cue, logged: Mapping[str, Any], sort: str) -> dict[str, list[float]]:
    """Of the maps of the true class, how much lies on the cue: a mean over images."""
    if not cue.region:
        return {}
    probe = logged[f"{sort}, maps"]
    found = {}
    for method, name in SHARES.items():
        each = []
        for image in range(MAPPED):
            mask = probe.picture(image).regions[cue.region]
            sizes = np.abs(probe.maps(image, method).values)
            with np.errstate(invalid="ignore"):
                each.append(sizes[:, mask].sum(1) / sizes.sum((1, 2)))
        found[name] = [*map(float, mean(np.stack(each, 1)))]
    return found


def mean(values: NDArray[Any]) -> NDArray[np.float64]:
    """Over the last axis, of what is a number."""
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, values, 0).sum(-1) / known.sum(-1))


def since(truth: Sequence[float], least: float = SEEN) -> int | None:
    """The place from which on the truth stays at or above `least`."""
    below = [at for at, each in enumerate(truth) if each < least]
    first = below[-1] + 1 if below else 0
    return first if first < len(truth) else None
