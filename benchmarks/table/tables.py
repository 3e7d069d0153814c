"""Tables of documents, by the names with which they are marked there."""

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.occlusion import results
from benchmarks.text import markdown
from benchmarks.training import report

Found = Mapping[str, Any]


def _of(cells: Callable[[Any], list[list[str]]], rows: str) -> Callable[[Found], str]:
    return lambda found: markdown(cells(found[rows]))


def _about(found: Found) -> str:
    versions = ", ".join(map(" ".join, found["versions"].items()))
    return f"{found['machine']}; {versions}."


# The benchmark that measures each, and what makes it.
TABLES: dict[str, tuple[str, Callable[[Found], str]]] = {
    "occlusion": ("occlusion", lambda found: results.document(found["rows"])),
    "records beside training": ("training", _of(report.costs, "projects")),
    "methods": ("training", _of(report.methods, "projects")),
    "sizes": ("training", _of(report.parts, "projects")),
    "records": ("training", _of(report.records, "projects")),
    "memory": ("training", _of(report.memory, "logs")),
    "trained on": ("training", _about),
}
