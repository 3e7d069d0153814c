"""Arithmetic of the benchmark: ratios, agreement, what is kept in a file, and tables."""

import json
import os
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.text import markdown, plain

OURS = "ours"
OURS_DENSE = "ours, dense"
OURS_PROBE = "ours, a probe"
DENSE = "dense limit"
OWN = OURS, OURS_DENSE, OURS_PROBE
# Scores of two ways may differ by this share of what hiding windows changes them by.
ROUNDING = 1e-2

Row = dict[str, Any]


class DisagreementError(ValueError):
    """Two ways to compute the same scores did not: their times must not be compared."""


def agree(name: str, found: NDArray[Any], expected: NDArray[Any], effect: float) -> float:
    """The largest difference of two ways' scores (windows, classes).

    Args:
      name: of the way, for errors.
      effect: standard deviation of a score over windows.

    Raises:
      DisagreementError: it is not rounding.
    """
    if found.shape != expected.shape:
        raise DisagreementError(f"{name}: scores {found.shape}, expected {expected.shape}")
    difference = float(np.abs(found.astype(np.float64) - expected).max(initial=0.0))
    if not difference <= ROUNDING * effect:
        raise DisagreementError(
            f"{name}: scores differ by {difference:.2e}, and windows change them by {effect:.2e}"
        )
    return difference


def scaled(seconds: float, made: int, windows: int, whole: int) -> float:
    """Seconds of all windows, from those of the scores that were made.

    Args:
      made: scores, of windows and of the whole image.
      whole: how many of them are of the whole image; all windows need them once.
    """
    return seconds * (windows + whole) / made


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Median, minimum and maximum."""
    return statistics.median(values), min(values), max(values)


def peers(row: Row) -> list[str]:
    """Names of the other tools of a row."""
    return [name for name in row["contenders"] if name not in (*OWN, DENSE)]


def ratios(row: Row, name: str, clock: str = "seconds", ours: str = OURS) -> list[float]:
    """How many times as long as ours another took, round by round.

    Args:
      name: of the other.
      clock: "seconds" or, of the processor, "cpu_seconds".
      ours: one of `OWN`.
    """
    mine, other = (row["contenders"][each][clock] for each in (ours, name))
    return [b / a for a, b in zip(mine, other, strict=True)]


def fastest(row: Row, clock: str = "seconds") -> str:
    """The other tool with the least median."""
    return min(peers(row), key=lambda name: statistics.median(row["contenders"][name][clock]))


class Store:
    """The rows that are done, in a JSON file.

    Args:
      path: of the file.
      about: what the rows hold for: machine, versions, code.
      fresh: whether to begin anew.

    Raises:
      ValueError: the file's rows hold for something else.
    """

    def __init__(self, path: Path, about: Mapping[str, Any], fresh: bool = False) -> None:
        self._path, self._about = path, dict(about)
        self.rows: list[Row] = []
        if fresh or not path.exists():
            return
        kept = read(path)
        for key, value in self._about.items():
            if kept.get(key) != value:
                raise ValueError(
                    f"{path} was measured with another {key}: pass --fresh or another --json"
                )
        self.rows = kept["rows"]

    def find(self, **key: Any) -> Row | None:
        """A row that is done."""
        found = [row for row in self.rows if all(row[name] == key[name] for name in key)]
        return found[0] if found else None

    def add(self, row: Row) -> None:
        """Keep a row, also if what runs next is stopped."""
        self.rows.append(row)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # Replaced as a whole: a file half written would not be read back.
        other = self._path.with_suffix(".part")
        other.write_text(json.dumps({**self._about, "rows": self.rows}, indent=1))
        os.replace(other, self._path)


def read(path: Path) -> dict[str, Any]:
    """A file that was written by a `Store`."""
    kept: dict[str, Any] = json.loads(path.read_text())
    return kept


NAMES = {
    "cnn28": "CNN, 28×28", "resnet20": "ResNet-20, 32×32", "mobilenetv2": "MobileNetV2, 224×224",
    "resnet50": "ResNet-50, 224×224", "vgg16": "VGG16, 224×224", "tensorflow": "TensorFlow",
    "torch": "PyTorch", "jax": "JAX", "vitb16": "ViT-B/16, 224×224", "cnn3d64": "CNN, 64×64×64",
}  # fmt: skip


def table(rows: Sequence[Row], clock: str = "seconds") -> str:
    """A table of each framework's rows, for a terminal.

    Args:
      clock: as `ratios` has it.
    """
    header = ["model", "window/stride", "windows", "ours, s", "dense limit", OURS_DENSE, OURS_PROBE]
    parts = []
    for framework in dict.fromkeys(row["framework"] for row in rows):
        some = [row for row in rows if row["framework"] == framework]
        names = _tools(some)
        cells = [[*header, "fastest peer", *names, "peak memory"]]
        cells += [
            [
                row["model"],
                f"{row['window']}/{row['stride']}",
                str(row["windows"]),
                *_own(row, clock),
                *(_ratio(row, name, clock) for name in names),
                _memory(row),
            ]
            for row in some
        ]
        parts.append(f"{framework}\n\n{plain(cells)}")
    return "\n\n".join([*parts, *_remarks(rows)])


def document(rows: Sequence[Row], clock: str = "seconds") -> str:
    """The same for a document: our times and ratios, then those of each tool."""
    ours = [["model", "window/stride", "windows", "", "ours, s", "dense limit", OURS_DENSE,
             OURS_PROBE, "fastest peer", "peak memory"]]  # fmt: skip
    names = _tools(rows)
    others = [["model", "window/stride", "", *names]]
    for row in rows:
        model, framework = NAMES[row["model"]], NAMES[row["framework"]]
        windows = f"{row['window']}/{row['stride']}"
        ours.append(
            [model, windows, str(row["windows"]), framework, *_own(row, clock), _memory(row)]
        )
        tools = (_ratio(row, name, clock, short=True) for name in names)
        others.append([model, windows, framework, *tools])
    return "\n\n".join([markdown(ours), OTHERS, markdown(others), *_remarks(rows)])


def _tools(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in peers(row)))


def _remarks(rows: Sequence[Row]) -> list[str]:
    """What must be known of a tool's numbers, once for all rows."""
    found = {
        f"{name}: {each['remark']}."
        for row in rows
        for name, each in row["contenders"].items()
        if each.get("remark")
    }
    return [" ".join(sorted(found))] if found else []


def _own(row: Row, clock: str) -> list[str]:
    middle, low, high = spread(row["contenders"][OURS][clock])
    best = fastest(row, clock)
    return [
        f"{middle:.3g} ({low:.3g}–{high:.3g})",
        _ratio(row, DENSE, clock),
        _dense(row, clock),
        _probe(row, clock),
        f"{_ratio(row, best, clock)} {best}",
    ]


def _dense(row: Row, clock: str) -> str:
    """Ours without reuse: by ours with it, and what the limit is by that."""
    if OURS_DENSE not in row["contenders"]:
        return ""
    limit, _, _ = spread(ratios(row, DENSE, clock, OURS_DENSE))
    return f"{_ratio(row, OURS_DENSE, clock)}, limit {limit:.2f}×"


def _probe(row: Row, clock: str) -> str:
    """What the limit is by an image of a probe whose images are computed together."""
    if OURS_PROBE not in row["contenders"]:
        return ""
    middle, low, high = spread(ratios(row, DENSE, clock, OURS_PROBE))
    return f"limit {middle:.2f}× ({low:.2f}–{high:.2f})"


def _ratio(row: Row, name: str, clock: str, short: bool = False) -> str:
    """How many times as long as ours a contender takes; nothing where it is not in the row."""
    if name not in row["contenders"]:
        return ""
    middle, low, high = spread(ratios(row, name, clock))
    # The limit is a time per image by its definition.
    mark = "~" if name != DENSE and row["contenders"][name]["sampled"] else ""
    return f"{mark}{middle:.2f}×" if short else f"{mark}{middle:.2f}× ({low:.2f}–{high:.2f})"


def _memory(row: Row) -> str:
    if not row.get("memory"):
        return ""
    ours, dense = row["memory"][OURS]["peak_mb"], row["memory"][DENSE]["peak_mb"]
    whole = row["memory"].get(OURS_DENSE)
    without = f"; dense {whole['peak_mb'] / dense:.2f}×" if whole else ""
    return f"{ours / dense:.2f}× ({ours:.0f}, {dense:.0f} MB){without}"


OTHERS = "Each of the other tools alone:"
LEGEND = (
    "Columns with × say how many times as long as ours it took: median of the rounds (least–most)."
    " ~: timed on a sample of its windows and scaled. Dense limit: windows × time per image of a"
    " bare forward pass. Ours, dense: without reuse; its limit: how many times as long as that the"
    " dense limit took. Ours, a probe: the same for an image of a probe of 16, which are computed"
    " together. Peak memory: of our process by that of one that scores batches."
)


def about(kept: Mapping[str, Any], clock: str) -> str:
    """The legend, and the machine and versions with which it was measured."""
    machine, versions = kept["machine"], kept["versions"]
    device = f"{machine['device']}; " if "device" in machine else ""
    clocked = " Seconds of the processor." if clock == "cpu_seconds" else ""
    return (
        f"{LEGEND}{clocked}\n\n{device}{machine['processor']}, {machine['cores']} cores,"
        f" {machine['system']}; {', '.join(map(' '.join, versions.items()))};"
        f" {kept['settings']['repeats']} rounds."
    )
