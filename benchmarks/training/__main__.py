"""Measures the projects, weighs their logs, keeps all of it in a JSON file, prints tables."""

import argparse
import json
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.text import markdown, plain, processor
from benchmarks.training import report, weigh
from benchmarks.training.projects import ALL

PACKAGES = ("tensorboard", "tensorflow", "keras", "torch", "numpy")
COUNTS = (1, 100, 300)
# Larger logs are not made.
MOST = 1.2e9
MAPS = {"few": "saliency", "many": "smoothgrad"}


def main() -> None:
    """See `--help`."""
    options = _options()
    if options.markdown:
        _print(json.loads(options.json.read_text()), markdown)
        return
    found: dict[str, Any] = {
        "machine": processor(),
        "versions": {each: version(each) for each in PACKAGES},
        "projects": [],
        "logs": [],
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    for project in options.projects:
        print(f"{project} …", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory() as name:
            row = _measured(project, Path(name))
            found["projects"].append(row)
            for what in ("few", "many"):
                weighed = [_weighed(row, Path(name), what, count) for count in COUNTS]
                found["logs"] += [each for each in weighed if each]
        # Also if what runs next is stopped.
        options.json.write_text(json.dumps(found, indent=1))
    _print(found, plain)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "scripts/bench training",
        description="Seconds and bytes of checkpoints of 16 images, and of edits of 64, beside training;"
        " what logs weigh, and TensorBoard's memory.",
    )
    parser.add_argument("--projects", nargs="+", choices=ALL, default=list(ALL))
    parser.add_argument("--json", type=Path, default=Path("logs/bench/training.json"))
    parser.add_argument(
        "--markdown", action="store_true", help="print what is in the file, for a document"
    )
    return parser.parse_args()


def _measured(project: str, folder: Path) -> dict[str, Any]:
    """In a process of its own: memory and threads are then those of one framework."""
    command = [sys.executable, "-m", "benchmarks.training.measure", project, str(folder)]
    made = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(made.stdout.splitlines()[-1])
    return found


def _weighed(row: dict[str, Any], folder: Path, what: str, count: int) -> dict[str, Any] | None:
    """A log of so many checkpoints; None where it would be too large."""
    if row["bytes"][what]["checkpoint"] * count > MOST:
        return None
    with tempfile.TemporaryDirectory() as logdir:
        size = weigh.repeat(folder / what, Path(logdir) / "run", count)
        print(f"  {what} × {count}: {size / 1e6:.0f} MB …", file=sys.stderr, flush=True)
        found = weigh.served(Path(logdir), "occlusion", MAPS[what])
    return {"project": row["name"], "what": what, "count": count, "log": size / 1e6, **found}


def _print(found: dict[str, Any], text: Any) -> None:
    rows = found["projects"]
    versions = ", ".join(map(" ".join, found["versions"].items()))
    for cells in (
        report.training(rows),
        report.costs(rows),
        report.methods(rows),
        report.records(rows),
        report.parts(rows),
        report.memory(found["logs"]),
    ):
        print(f"{text(cells)}\n")
    print("\n\n".join(report.remarks(rows)))
    print(f"\n{found['machine']}; {versions}.")


if __name__ == "__main__":
    main()
