"""Checks and times occlusion on a GPU within some minutes: `python3 -m benchmarks.gpu`.

It needs nothing but PyTorch and TensorBoard, and JAX and Captum where they are installed: no
network, no weights, no pytest. What is done is in the JSON file at once, and what shows most is
done first. `--markdown FILE` prints the file's tables.
"""

import argparse
import functools
import importlib.metadata
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from benchmarks import text
from benchmarks.gpu import checks, jax_checks, report, rows, training
from benchmarks.occlusion.row import Setup

ROOT = Path(__file__).parents[2]
PARTS = ("checks", "rows", "training")
PACKAGES = ("torch", "jax", "captum", "tensorboard", "numpy")
# Seconds before the end in which nothing is begun.
RESERVE = 5.0


class Kept:
    """The file: what is done, and where the time went."""

    def __init__(self, path: Path, device: str, minutes: float) -> None:
        self._path, self._started = path, time.monotonic()
        self._lock = threading.Lock()
        self.over = self._started + 60 * minutes - RESERVE
        self.doing = ""
        self._found: dict[str, Any] = {
            "about": {
                "device": torch.cuda.get_device_name() if device == "cuda" else device,
                "machine": text.processor(),
                "versions": _versions(),
                "minutes": 0.0,
            },
            "checks": [], "rows": [], "training": [], "left": [],
        }  # fmt: skip

    def add(self, what: str, value: Any) -> None:
        """Write one more."""
        with self._lock:
            self._found[what].append(value)
            self._found["about"]["minutes"] = (time.monotonic() - self._started) / 60
            self._path.parent.mkdir(parents=True, exist_ok=True)
            part = self._path.with_suffix(".part")
            part.write_text(json.dumps(self._found, indent=1))
            os.replace(part, self._path)

    @property
    def is_over(self) -> bool:
        """Whether nothing more may be begun."""
        return time.monotonic() > self.over

    def end(self) -> None:
        """Stop the process once the time is over, whatever it is at."""
        if self.doing:
            self.add("left", self.doing)
        print(f"the time is over; see {self._path}", file=sys.stderr, flush=True)
        os._exit(0)


def main(arguments: list[str] | None = None) -> int:
    """See `--help`; returns 1 where a check or a row failed."""
    options = _options(arguments)
    if options.markdown:
        print(report.document(json.loads(options.markdown.read_text())))
        return 0
    kept = Kept(options.json, options.device, options.minutes)
    watch = threading.Timer(max(RESERVE, 60 * options.minutes - 1), kept.end)
    watch.daemon = True
    watch.start()
    failed = 0
    for name, work in _works(options, kept):
        if kept.is_over:
            kept.add("left", name)
            continue
        print(f"{name} …", file=sys.stderr, flush=True)
        kept.doing = name
        try:
            work()
        except Exception as e:
            failed += 1
            traceback.print_exc()
            kept.add("checks", {"name": name, "failed": f"{type(e).__name__}: {e}"[:500]})
        kept.doing = ""
    watch.cancel()
    print(report.document(json.loads(options.json.read_text())))
    return 1 if failed else 0


def _works(options: argparse.Namespace, kept: Kept) -> Iterator[tuple[str, Callable[[], None]]]:
    """All that is to be done, what shows most first."""
    device, quick = options.device, options.quick
    if "checks" in options.parts:
        for check in (*checks.CHECKS, *jax_checks.checks()):
            yield check.__name__, functools.partial(_checked, check, device, kept)
    terms = rows.Terms(device, 1, 0.01, 0.2, (16,)) if quick else rows.Terms(device)
    names = rows.QUICK if quick else rows.CASES
    setups: dict[str, Setup] = {}

    def row(name: str, rounded: bool, terms: rows.Terms, framework: str = "torch") -> None:
        case = rows.named(name, framework)
        key = f"{case.model} {framework}"
        if key not in setups:
            setups.clear()  # one model at once
            setups[key] = Setup(case, device)
        setup = setups[key]
        setup.case = case
        kept.add("rows", rows.measured(setup, rounded, terms))

    def train(cast: bool) -> None:
        kept.add("training", training.measured(device, quick, cast))

    first = names[: 3 if device == "cuda" else 1]
    if "rows" in options.parts:
        for name in first:
            yield name, functools.partial(row, name, device == "cuda", terms)
    if "training" in options.parts:
        for cast in (True,) if quick else (False, True):
            yield f"training, autocast {cast}", functools.partial(train, cast)
    if "rows" in options.parts:
        for name in names[len(first) :]:
            yield name, functools.partial(row, name, device == "cuda", terms)
        for name in (rows.JAX_QUICK if quick else rows.JAX) if jax_checks.checks() else ():
            of_jax = functools.partial(row, name, device == "cuda", terms, "jax")
            yield f"{name} in JAX", of_jax
        if device == "cuda":
            for name in names[:3]:
                yield f"{name} in float32", functools.partial(row, name, False, terms)
            compiling = rows.Terms(device, compile=True)
            for name in names[:4]:
                yield f"{name} compiled", functools.partial(row, name, True, compiling)


def _checked(check: Callable[[Any], None], device: str, kept: Kept) -> None:
    check(device)
    kept.add("checks", {"name": check.__name__, "failed": ""})


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python3 -m benchmarks.gpu", description=__doc__)
    there = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--device", choices=("cpu", "cuda"), default=there)
    parser.add_argument("--minutes", type=float, default=8.0, help="at most (8)")
    parser.add_argument("--quick", action="store_true", help="small networks, few rounds")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--json", type=Path, default=ROOT / "logs/bench/gpu.json")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="print a file's tables")
    options = parser.parse_args(arguments)
    if options.device == "cuda" and there == "cpu":
        parser.error("--device cuda: PyTorch finds none here; --device cpu --quick tries the rest")
    return options


if __name__ == "__main__":
    sys.exit(main())
