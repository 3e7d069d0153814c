"""Trains with planted cues, reads what is logged, and compares it with the truth."""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from benchmarks.cues import page, report
from benchmarks.cues.cues import KINDS
from benchmarks.cues.measures import measured
from benchmarks.cues.sets import ALL, MissingError, Set
from benchmarks.cues.training import CORRELATIONS, NONE, Run, trained
from benchmarks.text import plain

PACKAGES = ("numpy", "torch")
CLEAN = 67  # of each data set, without any cue


def main() -> None:
    """See `--help`."""
    options = _options()
    torch.set_num_threads(1)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    done = {} if options.fresh else _read(options.json)
    if options.fresh:
        options.json.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        _run(options, done, Path(folder))
    if options.again:
        _measure_again(options)
    found = report.summed(list(_read(options.json).values()))
    found["versions"] = {each: version(each) for each in PACKAGES}
    for title, cells in report.tables(found):
        print(f"\n{title}\n\n{plain(cells)}")
    if options.page:
        page.write(found)


def _run(options: argparse.Namespace, done: dict[str, Any], folder: Path) -> None:
    """All trainings that are not done, each kept as a line."""

    @cache
    def pictures(name: str) -> Set | None:
        try:
            return ALL[name](options.cache or folder)
        except MissingError as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
            return None

    runs = [run for run in _runs(options) if run.name not in done]
    for number, run in enumerate(runs):
        of_set = pictures(run.set)
        if of_set is None:
            continue
        print(f"{number + 1} of {len(runs)}: {run.name} …", file=sys.stderr, flush=True)
        log = (options.logs or folder) / run.name
        # What the op says of each probe is said in a hundred trainings alike.
        with open(os.devnull, "w") as nowhere:
            told, sys.stderr = sys.stderr, nowhere
            try:
                shutil.rmtree(log, ignore_errors=True)  # of a run that was stopped
                row = trained(run, of_set, log)
                row |= measured(run, log)
            finally:
                sys.stderr = told
        if not options.logs:
            shutil.rmtree(log)
        with options.json.open("a") as file:
            file.write(json.dumps({"run": asdict(run), **row}) + "\n")


def _measure_again(options: argparse.Namespace) -> None:
    rows = _read(options.json)
    lines = []
    for name, row in rows.items():
        if not (options.logs / name).is_dir():
            raise SystemExit(f"no log of {name} in {options.logs}")
        lines.append(json.dumps(row | measured(Run(**row["run"]), options.logs / name)) + "\n")
    options.json.write_text("".join(lines))


def _runs(options: argparse.Namespace) -> Iterator[Run]:
    """All runs, those of each seed together, so that a run that is stopped has some of each."""
    share = -(-options.clean // options.seeds)
    for seed in range(options.seeds):
        for kind in options.kinds:
            for name in options.sets:
                for correlation in CORRELATIONS:
                    yield Run(name, kind, correlation, seed)
        for other in range(seed * share, min((seed + 1) * share, options.clean)):
            for name in options.sets:
                yield Run(name, NONE, 0.0, other)


def _read(path: Path) -> dict[str, Any]:
    """Rows that are done, by the run's name."""
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return {Run(**row["run"]).name: row for row in rows}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "scripts/bench cues",
        description="Trains small networks on pictures that carry a planted cue, asks edits and"
        " maps about them through the product, and compares the answers with the truth: what"
        " accuracy a network loses when the cue is drawn at random. A run that was stopped goes"
        " on from there.",
    )
    parser.add_argument("--sets", nargs="+", choices=ALL, default=list(ALL))
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--seeds", type=int, default=2, help="trainings of each sort (default 2)")
    parser.add_argument(
        "--clean", type=int, default=CLEAN, help=f"trainings a set without cue (default {CLEAN})"
    )
    parser.add_argument("--quick", action="store_true", help="one seed and five clean trainings")
    parser.add_argument("--json", type=Path, default=Path("logs/bench-cues.jsonl"))
    parser.add_argument("--fresh", action="store_true", help="begin anew")
    parser.add_argument(
        "--cache",
        type=Path,
        help="where Debian's package is unpacked and stays; default: for the run",
    )
    parser.add_argument("--logs", type=Path, help="where logs stay, 1 MB each; default: none stays")
    parser.add_argument(
        "--again", action="store_true", help="read the logs again, where they stayed (--logs)"
    )
    parser.add_argument(
        "--page", action="store_true", help="write docs/truth.md and the numbers that it tells"
    )
    options = parser.parse_args()
    if options.again and not options.logs:
        parser.error("--again needs --logs, where a run before kept them")
    if options.quick:
        options.seeds, options.clean = 1, 5
    return options


if __name__ == "__main__":
    main()
