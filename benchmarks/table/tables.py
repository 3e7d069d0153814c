"""Tables of documents, by the names with which they are marked there."""

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks import spacing
from benchmarks.gpu import report as gpu
from benchmarks.occlusion import results
from benchmarks.table.figures import Figure
from benchmarks.text import markdown
from benchmarks.training import report

Found = Mapping[str, Any]


def _of(cells: Callable[[Any], list[list[str]]], rows: str) -> Callable[[Found], str]:
    return lambda found: markdown(cells(found[rows]))


def _about(found: Found) -> str:
    versions = ", ".join(map(" ".join, found["versions"].items()))
    return f"{found['machine']}; {versions}."


def _occlusion(found: Found) -> str:
    return f"{results.document(found['rows'])}\n\n{results.about(found, 'seconds')}"


def _opening(found: Found) -> str:
    """A row a case, a column for what is timed."""
    names = dict.fromkeys(name for each in found["cases"] for name in each["figures"])
    cells = [["runs × images × steps", *names]]
    for each in found["cases"]:
        texts = {
            name: Figure(name, tuple(values), f" {unit}").text
            for name, (values, unit) in each["figures"].items()
        }
        cells.append([each["name"], *(texts.get(name, "") for name in names)])
    return markdown(cells)


# The benchmark that measures each, and what makes it.
TABLES: dict[str, tuple[str, Callable[[Found], str]]] = {
    "occlusion": ("occlusion", _occlusion),
    "gpu": ("gpu", gpu.document),
    "records beside training": ("training", _of(report.costs, "projects")),
    "methods": ("training", _of(report.methods, "projects")),
    "sizes": ("training", _of(report.parts, "projects")),
    "records": ("training", _of(report.records, "projects")),
    "memory": ("training", _of(report.memory, "logs")),
    "trained on": ("training", _about),
    "opening": ("dashboard", _opening),
    "spacing": ("spacing", lambda found: markdown(spacing.cells(found))),
}
