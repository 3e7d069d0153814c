"""Trainings summed up: how measures go with the truth, and tables of that."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.cues.cues import KINDS
from benchmarks.cues.measures import ROWS, SEEN, since
from benchmarks.cues.training import NONE, SORTS

Row = Mapping[str, Any]
MEASURES = (
    "moves, swapped",
    "flips, swapped",
    "follows, swapped",
    "costs, swapped",
    "moves beyond elsewhere, swapped",
    "moves, hidden",
    "flips, hidden",
    "costs, hidden",
    "moves beyond elsewhere, hidden",
    "share of occlusion",
    "share of saliency",
)
MOVES, SALIENCY = MEASURES[0], MEASURES[-1]
# Within so many kept steps of the truth's is near.
NEAR = 1


def summed(rows: Sequence[Row]) -> dict[str, Any]:
    """What all trainings say together, as it is kept beside the page."""
    cued = [row for row in rows if row["run"]["kind"] != NONE]
    clean = [row for row in rows if row["run"]["kind"] == NONE]
    kinds = [kind for kind in KINDS if any(row["run"]["kind"] == kind for row in cued)]
    sets = list(dict.fromkeys(row["run"]["set"] for row in rows))
    return {
        "runs": len(cued),
        "checkpoints": sum(len(row["truth"]) for row in cued),
        "seeds": len({row["run"]["seed"] for row in cued}),
        "correlations": sorted({row["run"]["correlation"] for row in cued}),
        "sets": sets,
        "kinds": {kind: _of_kind(_of(cued, "kind", kind), sets) for kind in kinds},
        "clean": {name: _flagged(_of(clean, "set", name)) for name in sets},
        "uninformative": _flagged([row for row in cued if row["run"]["correlation"] == 0]),
    }


def _of(rows: Iterable[Row], key: str, value: Any) -> list[Row]:
    return [row for row in rows if row["run"][key] == value]


def _of_kind(rows: Sequence[Row], sets: Sequence[str]) -> dict[str, Any]:
    relied = [row for row in rows if row["truth"][-1] >= SEEN]
    return {
        "runs": len(rows),
        "relied": len(relied),
        "correlations": {
            sort: {name: _correlation(rows, sort, name) for name in MEASURES} for sort in SORTS
        },
        "by set": {
            sort: {
                name: found
                for name in sets
                if (found := _correlation(_of(rows, "set", name), sort, MOVES)) is not None
            }
            for sort in SORTS
        },
        "ranks": {
            sort: {
                which: _ranks([row["ranks"][sort][which] for row in relied])
                for which in ("named", "unnamed")
            }
            for sort in SORTS
        },
        "onsets": _onsets(relied),
        "idle": _last(_of(rows, "correlation", 0.0)),
        "full": _last(_of(rows, "correlation", 1.0)),
    }


def _correlation(rows: Sequence[Row], sort: str, name: str) -> float | None:
    """Spearman's, with the truth over checkpoints; None where it is not measured, or the truth never changes."""
    pairs = [
        (value, truth)
        for row in rows
        for value, truth in zip(row["measures"][sort].get(name, ()), row["truth"], strict=False)
        if np.isfinite(value)
    ]
    # A truth is told to a hundredth, as that is what some hundred pictures can tell.
    values, truths = np.array(pairs).reshape(-1, 2).T
    truths = np.round(truths, 2)
    if len({*values}) < 2 or len({*truths}) < 2:
        return None
    return round(float(stats.spearmanr(values, truths).statistic), 3)


def _last(rows: Sequence[Row]) -> float | None:
    """How far the cue's swap moves answers at the last checkpoint, a mean over trainings."""
    moves = [row["measures"][SORTS[0]][MOVES][-1] for row in rows]
    return round(float(np.mean(moves)), 3) if moves else None


def _ranks(ranks: Sequence[int | None]) -> dict[str, Any]:
    known = [rank for rank in ranks if rank is not None]
    return {
        "of": len(ranks),
        "first": sum(rank <= ROWS for rank in known),
        "median": float(np.median(known)) if known else None,
    }


def _onsets(rows: Sequence[Row]) -> dict[str, int]:
    """Of runs that rely on a cue whose region has references elsewhere: how far the onset lies from the truth's."""
    asked = [row for row in rows if "onset" in row]
    found = {"of": len(asked), "near": 0, "early": 0, "late": 0, "never": 0}
    for row in asked:
        truth = since(row["truth"])
        if row["onset"] is None or truth is None:
            found["never"] += 1
            continue
        apart = row["onset"] - truth
        found["near" if abs(apart) <= NEAR else "late" if apart > 0 else "early"] += 1
    return found


def _flagged(rows: Sequence[Row]) -> dict[str, Any]:
    """How many runs show a flag, and for which edits."""
    names = [name for row in rows for name in row["flags"]["flagged"]]
    return {
        "of": len(rows),
        "flagged": sum(bool(row["flags"]["flagged"]) for row in rows),
        "edits": {name: names.count(name) for name in sorted({*names})},
    }


def best(kind: Mapping[str, Any], sort: str) -> tuple[str, float] | None:
    """The measure of edits that goes best with the truth, and how well; None where the truth never changes."""
    found = {
        name: value
        for name, value in kind["correlations"][sort].items()
        if value is not None and not name.startswith("share")
    }
    return max(found.items(), key=lambda each: each[1], default=None)


def tables(found: Mapping[str, Any]) -> list[tuple[str, list[list[str]]]]:
    """Each with its title."""
    made = [
        (f"Spearman correlation with the truth, cue {sort}", _correlations(found, sort))
        for sort in SORTS
    ]
    return [
        *made,
        ("How far answers move in the end", _idle(found)),
        ("Rows of the list", _rows(found)),
        ("Onsets", _starts(found)),
        ("Flags where nothing was planted", _clean(found)),
    ]


def _correlations(found: Mapping[str, Any], sort: str) -> list[list[str]]:
    kinds = found["kinds"]
    names = [
        name
        for name in MEASURES
        if any(kind["correlations"][sort][name] is not None for kind in kinds.values())
    ]
    cells = [["", *kinds]]
    for name in names:
        cells.append([name, *(number(kind["correlations"][sort][name]) for kind in kinds.values())])
    for name in found["sets"]:
        values = (number(kind["by set"][sort].get(name)) for kind in kinds.values())
        cells.append([f"{MOVES}, {name} alone", *values])
    return cells


def _idle(found: Mapping[str, Any]) -> list[list[str]]:
    """How far answers move of networks to which the cue tells nothing, beside those of which it is all."""
    cells = [["", *found["kinds"]]]
    for name, key in (("correlation 0", "idle"), ("correlation 1", "full")):
        cells.append([name, *(number(kind[key]) for kind in found["kinds"].values())])
    return cells


def number(value: float | None) -> str:
    """Of two digits; nothing where there is none."""
    return "" if value is None else f"{value:.2f}"


def _rows(found: Mapping[str, Any]) -> list[list[str]]:
    titles = ["kind", "runs that rely on it"]
    for sort in SORTS:
        titles += [f"named, {sort}", f"not named, {sort}"]
    cells = [titles]
    for name, kind in found["kinds"].items():
        each = [kind["ranks"][sort][which] for sort in SORTS for which in ("named", "unnamed")]
        cells.append([name, str(kind["relied"]), *map(_first, each)])
    return [
        *cells,
        [
            "all",
            str(sum_of(found, lambda kind: kind["relied"])),
            *(
                _first(together(found, sort, which))
                for sort in SORTS
                for which in ("named", "unnamed")
            ),
        ],
    ]


def sum_of(found: Mapping[str, Any], count: Callable[[Any], int]) -> int:
    """Over kinds."""
    return sum(map(count, found["kinds"].values()))


def together(found: Mapping[str, Any], sort: str, which: str) -> dict[str, Any]:
    """Ranks of all kinds that have such an edit."""
    parts = [kind["ranks"][sort][which] for kind in found["kinds"].values()]
    asked = [part for part in parts if part["median"] is not None]
    return {
        "of": sum(part["of"] for part in asked),
        "first": sum(part["first"] for part in asked),
        "median": float(np.median([part["median"] for part in asked])) if asked else None,
    }


def _first(ranks: Mapping[str, Any]) -> str:
    if ranks["median"] is None:
        return "–"
    return f"{ranks['first']} of {ranks['of']} (median {ranks['median']:g})"


def _starts(found: Mapping[str, Any]) -> list[list[str]]:
    cells = [["kind", "runs", "within one kept step", "earlier", "later", "not flagged"]]
    for name, kind in found["kinds"].items():
        onsets = kind["onsets"]
        if onsets["of"]:
            cells.append(
                [name, *(str(onsets[key]) for key in ("of", "near", "early", "late", "never"))]
            )
    return cells


def _clean(found: Mapping[str, Any]) -> list[list[str]]:
    cells = [["trainings", "runs", "flagged", "of which edits"]]
    rows = [*found["clean"].items(), ("a cue that tells nothing", found["uninformative"])]
    for name, flags in rows:
        edits = ", ".join(f"{edit}: {count}" for edit, count in flags["edits"].items())
        cells.append([name, str(flags["of"]), str(flags["flagged"]), edits or "–"])
    return cells
