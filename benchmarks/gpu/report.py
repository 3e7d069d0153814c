"""Tables of what `benchmarks.gpu` has written."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.gpu.rows import LIKE_CAPTUM, Row, ratio
from benchmarks.occlusion.results import NAMES
from benchmarks.text import markdown

TOOLS = ("Captum", "Captum, best", LIKE_CAPTUM, "plain loop")


def document(kept: Mapping[str, Any]) -> str:
    """Checks, rows and training, as Markdown.

    Args:
      kept: the file.
    """
    parts = [_about(kept)]
    if kept["checks"]:
        parts.append(_checks(kept["checks"]))
    if kept["rows"]:
        parts.append(_rows(kept["rows"]))
    if kept["training"]:
        parts.append(_training(kept["training"]))
    if kept["left"]:
        parts.append(f"Left out, as the time was over: {', '.join(kept['left'])}.")
    return "\n\n".join(parts)


def _about(kept: Mapping[str, Any]) -> str:
    about = kept["about"]
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    return f"{about['device']}; {about['machine']}; {versions}; {about['minutes']:.1f} minutes."


def _checks(checks: Sequence[Mapping[str, Any]]) -> str:
    failed = [each for each in checks if each["failed"]]
    lines = [f"{len(checks) - len(failed)} of {len(checks)} checks hold."]
    lines += [f"- **{each['name']}**: {each['failed']}" for each in failed]
    return "\n".join(lines)


def _rows(rows: Sequence[Row]) -> str:
    """Ours, and how many times as long others take."""
    tools = [tool for tool in TOOLS if any(tool in row["contenders"] for row in rows)]
    cells = [["model", "window/stride", "windows", "precision", "ours, s", "ours, dense",
              "dense limit", "limit, by an image of a probe", *tools, "how"]]  # fmt: skip
    for row in rows:
        each = row["contenders"]
        seconds = statistics.median(each["ours"]["seconds"])
        limit = each.get("dense limit", {}).get("setting", "")
        cells.append(
            [
                f"{NAMES[row['model']]}, {NAMES[row['framework']]}",
                f"{row['window']}/{row['stride']}",
                str(row["windows"]),
                row["precision"],
                _refused(row, "ours") or f"{seconds:.3g}",
                _times(row, "ours, dense"),
                f"{_times(row, 'dense limit')} ({limit})",
                _times(row, "dense limit", "ours, a probe"),
                *(_times(row, tool) for tool in tools),
                each["ours"]["told"].splitlines()[0],
            ]
        )
    return f"{markdown(cells)}\n\n× says how many times as long as ours it took, medians."


def _times(row: Row, name: str, ours: str = "ours") -> str:
    if name not in row["contenders"]:
        return ""
    if refused := _refused(row, name) or _refused(row, ours):
        return refused
    mark = "~" if row["contenders"][name].get("sampled") else ""
    return f"{mark}{ratio(row, name, ours):.2f}×"


def _refused(row: Row, name: str) -> str:
    refused = row["contenders"][name].get("refused")
    return f"refused: {refused}" if refused else ""


def _training(training: Sequence[Mapping[str, Any]]) -> str:
    cells = [["training", "images a step", "step, s", "epoch, s", "first record, s",
              "record, s", "written, s", "share of an epoch", "how"]]  # fmt: skip
    cells += [
        [
            f"{each['model']}, {each['training']}",
            str(each["batch"]),
            f"{each['step_seconds']:.3g}",
            f"{each['epoch_seconds']:.3g}",
            f"{each['first_record_seconds']:.3g}",
            f"{statistics.median(each['record_seconds']):.3g}",
            f"{statistics.median(each['written_seconds']):.3g}",
            f"{each['share']:.2%}",
            each["told"],
        ]
        for each in training
    ]
    return markdown(cells)
