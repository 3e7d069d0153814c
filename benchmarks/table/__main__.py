"""Measures every figure of README and docs, prints them in one table, and says which moved."""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.table import documents, figures
from benchmarks.table.figures import Figure, by_name, moved
from benchmarks.text import plain

ROOT = Path(__file__).parents[2]
# What the documents were made of.
KEPT = ROOT / "benchmarks/results"
NEW = ROOT / "logs/bench"


@dataclass(frozen=True)
class Part:
    """A benchmark of the table.

    arguments: of `scripts/bench`; None of one that takes hours, or a GPU: what is kept is told.
    figures: of what it found.
    kept: where that is, of these.
    """

    arguments: Sequence[str] | None
    figures: Callable[[Mapping[str, Any]], Iterator[Figure]]
    kept: str | None = None


PARTS = {
    "checkpoint": Part(("checkpoint",), figures.of_checkpoint),
    "dashboard": Part(("dashboard",), figures.of_dashboard),
    "training": Part(("training",), figures.of_training),
    "spacing": Part(("spacing",), figures.of_spacing),
    "occlusion": Part(("occlusion", "--brief", "--fresh"), figures.of_occlusion),
    "gpu": Part(None, figures.of_gpu, "benchmarks/results/gpu.json"),
    "cues": Part(None, figures.of_cues, "benchmarks/cues/results.json"),
}


def main() -> None:
    """See `--help`; exits with 1 where a part could not be measured."""
    options = _options()
    failed = [] if options.stored or options.keep else _measure(options.parts, options.into)
    before, now = stored(), found(options.into)
    _print(before, {} if options.stored else now, options.parts)
    if options.keep:
        _keep(options.parts, options.into)
    if failed:
        sys.exit(f"not measured: {', '.join(failed)}")


def stored() -> dict[str, Any]:
    """What each part found when the documents were made."""
    return _read(
        {name: ROOT / (part.kept or f"{KEPT}/{name}.json") for name, part in PARTS.items()}
    )


def found(folder: Path) -> dict[str, Any]:
    """What the parts left in a folder."""
    return _read({name: folder / f"{name}.json" for name in PARTS})


def _read(files: Mapping[str, Path]) -> dict[str, Any]:
    return {name: json.loads(path.read_text()) for name, path in files.items() if path.exists()}


def every(results: Mapping[str, Any]) -> dict[str, Figure]:
    """All figures of what the parts found."""
    return by_name(each for name, of in results.items() for each in PARTS[name].figures(of))


def _options() -> argparse.Namespace:
    measured = [name for name, part in PARTS.items() if part.arguments]
    parser = argparse.ArgumentParser(
        "scripts/bench",
        description=f"{__doc__} With a first word of {', '.join(PARTS)} one benchmark alone, which"
        " has a --help of its own. A figure has moved where its rounds lie apart from those of the"
        " stored result, and its median by more than a tenth; machines differ by a half.",
    )
    parser.add_argument("--parts", nargs="+", choices=measured, default=measured)
    parser.add_argument(
        "--into", type=Path, default=NEW, help="folder of what is found (default: logs/bench)"
    )
    parser.add_argument(
        "--stored", action="store_true", help="measure nothing, print the stored results"
    )
    parser.add_argument(
        "--keep", action="store_true",
        help="measure nothing; store what was found last, and write it into README and docs",
    )  # fmt: skip
    return parser.parse_args()


def _measure(parts: Sequence[str], into: Path) -> list[str]:
    """Run the parts, each in a process of its own; names of those that failed."""
    into.mkdir(parents=True, exist_ok=True)
    failed = []
    for name in parts:
        started = time.perf_counter()
        print(f"{name} …", file=sys.stderr, flush=True)
        arguments = PARTS[name].arguments or ()
        command = [str(ROOT / "scripts/bench"), *arguments, "--json", str(into / f"{name}.json")]
        with open(into / f"{name}.txt", "w") as said:
            done = subprocess.run(command, cwd=ROOT, stdout=said, env=os.environ, check=False)
        took = (time.perf_counter() - started) / 60
        print(f"{name}: {took:.1f} minutes", file=sys.stderr, flush=True)
        if done.returncode:
            failed.append(name)
    return failed


def _print(before: Mapping[str, Any], now: Mapping[str, Any], parts: Sequence[str]) -> None:
    old, new = every(before), every({name: now[name] for name in parts if name in now})
    cells = [["figure", "stored", "now", ""]]
    for name in dict.fromkeys([*old, *new]):
        was, is_now = old.get(name), new.get(name)
        ratio = moved(was, is_now) if was and is_now else None
        note = f"moved, ×{ratio:.2f}" if ratio else ""
        cells.append([name, was.text if was else "", is_now.text if is_now else "", note])
    print(plain(cells))
    if new:
        count = sum(bool(row[3]) for row in cells[1:])
        print(f"\n{len(new)} figures, {count} moved")


def _keep(parts: Sequence[str], into: Path) -> None:
    KEPT.mkdir(exist_ok=True)
    for name, result in found(into).items():
        if name in parts:
            (KEPT / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    kept = stored()
    for document in documents.documents():
        document.write_text(documents.told(document, kept, every(kept)))


if __name__ == "__main__":
    main()
