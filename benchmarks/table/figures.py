"""Figures by name, made of what each benchmark found, and which moved between two runs."""

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.occlusion import results
from benchmarks.occlusion.results import DENSE, NAMES, OURS, OURS_DENSE, OURS_PROBE
from benchmarks.training import EDITED, IMAGES
from benchmarks.training.report import WHAT

Found = Mapping[str, Any]
# A figure has moved where its median did by more than this share, and its rounds lie apart.
NEAR = 0.1


@dataclass(frozen=True)
class Figure:
    """What was measured of one thing.

    name: says of what.
    values: by round.
    unit: of these, empty of counts.
    """

    name: str
    values: tuple[float, ...]
    unit: str

    @property
    def median(self) -> float:
        """Of the rounds."""
        return statistics.median(self.values)

    @property
    def text(self) -> str:
        """Median, and least to most where there are several rounds."""
        low, high = min(self.values), max(self.values)
        middle = f"{_digits(self.median)}{self.unit}"
        return middle if low == high else f"{middle} ({_digits(low)}–{_digits(high)})"


def moved(before: Figure, now: Figure) -> float | None:
    """How many times as large a figure is now; None where that is within its rounds, or near."""
    apart = max(before.values) < min(now.values) or max(now.values) < min(before.values)
    if not apart or not before.median:
        return None
    ratio = now.median / before.median
    return ratio if abs(ratio - 1) > NEAR else None


def of_checkpoint(found: Found) -> Iterator[Figure]:
    """What `benchmarks/checkpoint.py` found: milliseconds of each part, kilobytes."""
    for each in found["sizes"]:
        about = f"checkpoint of 12 images, {each['side']}×{each['side']}"
        for part, values in each["seconds"].items():
            yield Figure(f"{about}, {part}", tuple(1000 * value for value in values), " ms")
        yield Figure(f"{about}, size", (each["bytes"] / 1000,), " KB")


def of_dashboard(found: Found) -> Iterator[Figure]:
    """What `benchmarks/dashboard` found: each case's figures, with their units."""
    for each in found["cases"]:
        for name, (values, unit) in each["figures"].items():
            yield Figure(f"tab, {each['name']}, {name}", tuple(values), f" {unit}")


def of_occlusion(found: Found) -> Iterator[Figure]:
    """What `benchmarks/occlusion` found: our seconds, and how many times as long others take."""
    for row in found["rows"]:
        about = f"occlusion, {NAMES[row['model']]} {row['window']}/{row['stride']}"
        about = f"{about}, {NAMES[row['framework']]}"
        contenders = row["contenders"]
        yield Figure(f"{about}, ours", tuple(contenders[OURS]["seconds"]), " s")
        others = [DENSE, OURS_DENSE, *results.peers(row)]
        for name in others:
            if name in contenders:
                yield Figure(f"{about}, {name}", tuple(results.ratios(row, name)), "×")
        for ours in (OURS_DENSE, OURS_PROBE):
            if ours in contenders:
                ratios = results.ratios(row, DENSE, ours=ours)
                yield Figure(f"{about}, {ours}: {DENSE}", tuple(ratios), "×")
        if row.get("memory"):
            peak = {what: row["memory"][what]["peak_mb"] for what in (OURS, DENSE)}
            yield Figure(f"{about}, peak memory", (peak[OURS] / peak[DENSE],), "×")


def of_training(found: Found) -> Iterator[Figure]:
    """What `benchmarks/training` found: seconds, shares, bytes, memory."""
    for row in found["projects"]:
        seconds = row["seconds"]
        for what, says in {**WHAT, "edits": f"edits of {EDITED} images"}.items():
            about = f"training, {row['name']}, {says}"
            yield Figure(f"{about}", tuple(seconds[what]), " s")
            ratios = [a / b for a, b in zip(seconds[what], seconds["step"], strict=True)]
            yield Figure(f"{about}, steps", tuple(ratios), "")
            shares = [100 * each / row["steps"] for each in ratios]
            yield Figure(f"{about}, share of an epoch", tuple(shares), " %")
            size = row["edits"] if what == "edits" else row["bytes"][what]["checkpoint"]
            yield Figure(f"{about}, size", (size / 1000,), " KB")
        for method, values in row["methods"].items():
            yield Figure(f"training, {row['name']}, {method}", tuple(values), " s")
        once = row["bytes"]["few"]["once"] / IMAGES / 1000
        yield Figure(f"training, {row['name']}, an image once", (once,), " KB")
        if "graph" in row:
            graph = row["graph"]
            yield Figure(f"training, {row['name']}, in a tf.function", tuple(graph["graph"]), " s")
            ratios = [a / b for a, b in zip(graph["graph"], graph["eager"], strict=True)]
            yield Figure(f"training, {row['name']}, that by a call's", tuple(ratios), "×")
        if "demo" in row:
            for name, values in row["demo"].items():
                several = values if isinstance(values, Sequence) else (values,)
                yield Figure(f"training, the demo's loop, {name}", tuple(several), " s")
    for each in found["logs"]:
        about = f"log, {each['project']}, {WHAT[each['what']]} × {each['count']}"
        yield Figure(f"{about}, size", (each["log"],), " MB")
        for when in ("loaded", "read"):
            for kind, says in (("server", "data server"), ("python", "Python")):
                yield Figure(f"{about}, {says} once {when}", (each[when][kind],), " MB")


def of_spacing(found: Found) -> Iterator[Figure]:
    """What `benchmarks/spacing.py` found: the part of the difference that points miss."""
    kinds = dict.fromkeys(
        (row["network"], row["score"], row["baseline"], row["spacing"]) for row in found["rows"]
    )
    for kind in kinds:
        some = [
            row
            for row in found["rows"]
            if (row["network"], row["score"], row["baseline"], row["spacing"]) == kind
        ]
        for points in some[0]["errors"]:
            network, score, baseline, spacing = kind
            about = f"completeness, {network}, {score}, from {baseline}, {points} {spacing} points"
            yield Figure(about, tuple(row["errors"][points] for row in some), "")


def of_gpu(found: Found) -> Iterator[Figure]:
    """What `benchmarks/gpu` found: our seconds, how many times as long others take, and shares."""
    for row in found["rows"]:
        about = f"GPU, {NAMES[row['model']]} {row['window']}/{row['stride']}"
        about = f"{about}, {NAMES[row['framework']]}, {row['precision']}"
        for name, each in row["contenders"].items():
            if each.get("refused"):
                continue
            yield Figure(f"{about}, {name}", tuple(each["seconds"]), " s")
    for each in found["training"]:
        about = f"GPU, training {each['model']}, {each['training']}, share of an epoch"
        yield Figure(about, (100 * each["share"],), " %")


def of_cues(found: Found) -> Iterator[Figure]:
    """What `benchmarks/cues` keeps of its trainings, which take hours."""
    yield Figure("cues, trainings with a cue", (found["runs"],), "")
    for name, kind in found["kinds"].items():
        for sort, measures in kind["correlations"].items():
            for measure, value in measures.items():
                if value is not None:
                    yield Figure(f"cues, {name}, {sort}, {measure}", (value,), "")


def _digits(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def by_name(figures: Iterable[Figure]) -> dict[str, Figure]:
    """Figures by their names.

    Raises:
      ValueError: two have one name.
    """
    found: dict[str, Figure] = {}
    for each in figures:
        if each.name in found:
            raise ValueError(f"two figures are called {each.name!r}")
        found[each.name] = each
    return found
