"""Tables of what was measured."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.training import EDITED, IMAGES

Row = Mapping[str, Any]
WHAT = {"few": "occlusion + saliency", "many": "all methods"}
EDITS = {"edits": f"edits of {EDITED} images"}


def spread(values: Sequence[float], unit: str = "", digits: int = 3) -> str:
    """Median, and least to most."""
    low, high = min(values), max(values)
    return f"{statistics.median(values):.{digits}g}{unit} ({low:.{digits}g}–{high:.{digits}g})"


def costs(rows: Sequence[Row]) -> list[list[str]]:
    """Seconds of checkpoints, and how many steps and epochs of training they are."""
    cells = [
        ["project", "a checkpoint of", "seconds", "steps", "share of an epoch", "first one, s"]
    ]
    for row in rows:
        seconds = row["seconds"]
        for what, says in {**WHAT, **EDITS}.items():
            ratios = [a / b for a, b in zip(seconds[what], seconds["step"], strict=True)]
            cells.append(
                [
                    row["name"],
                    says,
                    _mark(row, what) + spread(seconds[what]),
                    spread(ratios),
                    spread([100 * each / row["steps"] for each in ratios], " %"),
                    _mark(row, what) + f"{row['first'][what]:.3g}",
                ]
            )
    return cells


def training(rows: Sequence[Row]) -> list[list[str]]:
    """What an epoch takes."""
    cells = [["project", "what", "a step, s", "steps an epoch", "an epoch, s"]]
    for row in rows:
        steps = row["seconds"]["step"]
        epoch = f"{statistics.median(steps) * row['steps']:.3g}"
        cells.append([row["name"], row["says"], spread(steps), str(row["steps"]), epoch])
    return cells


def methods(rows: Sequence[Row]) -> list[list[str]]:
    """Seconds of each method, in a checkpoint of all."""
    cells = [["method", *(row["name"] for row in rows)]]
    for method in rows[0]["methods"]:
        cells.append(
            [method, *(_mark(row, "many") + spread(row["methods"][method]) for row in rows)]
        )
    return cells


def records(rows: Sequence[Row]) -> list[list[str]]:
    """Bytes of each kind of record, of one image."""
    cells = [["bytes of one image's record", *(row["name"] for row in rows)]]
    for kind in rows[0]["bytes"]["many"]["records"]:
        some = [
            row["bytes"]["few" if kind.startswith("mean") else "many"]["records"] for row in rows
        ]
        cells.append([kind, *(f"{each[kind]:,.0f}" for each in some)])
    cells.append(
        ["once: picture, names", *(f"{row['bytes']['many']['once'] / IMAGES:,.0f}" for row in rows)]
    )
    return cells


def parts(rows: Sequence[Row]) -> list[list[str]]:
    """What a checkpoint's bytes are."""
    names = ["records", "plugin data", "tags", "scalars", "the rest"]
    cells = [["project", "a checkpoint of", "KB", *names]]
    for row in rows:
        for what, says in WHAT.items():
            found = row["bytes"][what]
            shares = [f"{100 * found['parts'][each] / found['checkpoint']:.1f} %" for each in names]
            kilobytes = f"{found['checkpoint'] / 1000:,.0f}"
            cells.append([row["name"], says, kilobytes, *shares])
    return cells


def memory(logs: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Megabytes of logs and of a TensorBoard that serves them."""
    header = ["project", "checkpoints of", "how many", "log, MB", "data server, MB", "Python, MB"]
    cells = [[*header, "data server once read, MB", "Python once read, MB"]]
    for each in logs:
        sizes = [each[when][kind] for when in ("loaded", "read") for kind in ("server", "python")]
        row = [each["project"], WHAT[each["what"]], str(each["count"]), f"{each['log']:,.1f}"]
        cells.append([*row, *(f"{size:,.0f}" for size in sizes)])
    return cells


def remarks(rows: Sequence[Row]) -> list[str]:
    """What is beside the tables: loops, and how to read them."""
    found = [
        "Median (least–most) of the rounds. A ratio is taken within a round. The epoch is that of"
        " the timed steps, as many as it has. First: with tracing, and all random methods twice,"
        " as at every tenth checkpoint. ~: timed on fewer images, and multiplied."
    ]
    for row in rows:
        if "graph" in row:
            graph = row["graph"]
            ratios = [a / b for a, b in zip(graph["graph"], graph["eager"], strict=True)]
            found.append(
                f"{row['name']}, occlusion + saliency written inside a tf.function's training step:"
                f" {spread(graph['graph'], ' s')} more than the step alone"
                f" ({spread(graph['step'], ' s')}); the same by a call between steps:"
                f" {spread(graph['eager'], ' s')}; ratio {spread(ratios, '×')}."
            )
        found.append(
            f"{row['name']}: edits of {EDITED} images take {row['edits']:,.0f} bytes a record."
        )
        if "demo" in row:
            demo = row["demo"]
            found.append(
                "The demo's loop, 12 digits of 28×28, occlusion (window 4, stride 2) and saliency:"
                f" {spread(demo['call'], ' s')} a checkpoint after the first ({demo['first']:.2f}"
                f" s), {spread(demo['written'], ' s')} until it is written."
            )
    return found


def _mark(row: Row, what: str) -> str:
    return "~" if row["sampled"][what] < (EDITED if what in EDITS else IMAGES) else ""
