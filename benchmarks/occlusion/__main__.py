"""Measures occlusion row by row, keeps each row in a JSON file, and prints the tables."""

import argparse
import dataclasses
import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.occlusion import results
from benchmarks.occlusion.cases import (
    FRAMEWORKS,
    MODELS,
    QUICK,
    VOLUMES,
    Case,
    every_case,
    volume_cases,
)
from benchmarks.occlusion.results import DENSE, OURS, OURS_DENSE, Row, Store

ROOT = Path(__file__).parents[2]
PACKAGES = ("tensorflow", "keras", "torch", "captum", "tf-explain", "saliency", "numpy")
# Rounds, seconds from which on a contender is timed on a sample of its windows, and whose memory
# is measured too, each in a process of its own.
FULL = {"repeats": 3, "seconds": 4.0, "memory": [OURS, OURS_DENSE, DENSE]}
BRIEF = {"repeats": 3, "seconds": 2.0, "memory": [OURS, DENSE]}
LEAST = {**BRIEF, "memory": []}


def main() -> None:
    """See `--help`; exits with 1 where a row could not be measured."""
    options = _options()
    settings = LEAST if options.quick else BRIEF if options.brief else FULL
    if options.markdown:
        kept = results.read(options.json)
        rows = sorted(kept["rows"], key=_place)
        print(f"{results.document(rows, options.clock)}\n\n{results.about(kept, options.clock)}")
        return
    about = {
        "machine": _machine(options.device),
        "versions": _versions(),
        "code": _code(),
        "settings": settings,
    }
    try:
        store = Store(options.json, about, options.fresh)
    except ValueError as e:
        sys.exit(str(e))
    wanted = [case for case in _all_cases() if _wanted(case, options)]
    failed = []
    for case in wanted:
        key = dataclasses.asdict(case)
        if store.find(**key):
            print(f"{case.name} in {case.framework}: done before", file=sys.stderr)
            continue
        print(f"{case.name} in {case.framework} …", file=sys.stderr, flush=True)
        row = _measured(key, settings, options.device)
        if row is None:
            failed.append(case)
        else:
            store.add(row)
    rows = [row for case in wanted if (row := store.find(**dataclasses.asdict(case)))]
    print(f"{results.table(rows, options.clock)}\n\n{results.about(about, options.clock)}")
    if failed:
        sys.exit(
            f"not measured: {', '.join(f'{each.name} in {each.framework}' for each in failed)}"
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "scripts/bench occlusion",
        description="Times occlusion of one image: ours, other tools, and bare forward passes.",
    )
    parser.add_argument(
        "--quick", action="store_true", help="the small models and one large one, in minutes"
    )
    parser.add_argument(
        "--brief", action="store_true",
        help="all models as --quick measures them, on fewer windows, and memory with reuse alone",
    )  # fmt: skip
    parser.add_argument(
        "--rows", nargs="+", metavar="ROW",
        help="only these: a model"
        f" ({', '.join(MODELS)}; of volumes {', '.join(VOLUMES)}), or with window/stride:"
        " 'vgg16 16/8'",
    )  # fmt: skip
    parser.add_argument("--framework", choices=FRAMEWORKS, help="only this one")
    parser.add_argument(
        "--device", choices=("cpu", "cuda"), default="cpu",
        help="where PyTorch's models lie; with cuda no other framework is measured",
    )  # fmt: skip
    parser.add_argument("--json", type=Path, help="file of the rows, which is gone on with")
    parser.add_argument("--fresh", action="store_true", help="measure rows again that are done")
    parser.add_argument(
        "--cpu", dest="clock", action="store_const", const="cpu_seconds", default="seconds",
        help="compare seconds of the processor, which a machine that does other work distorts less",
    )  # fmt: skip
    parser.add_argument(
        "--markdown", action="store_true", help="print what the file holds for a document"
    )
    options = parser.parse_args()
    names = {name for case in _all_cases() for name in (case.name, case.model)}
    for row in options.rows or ():
        if row not in names:
            parser.error(f"--rows {row!r}: pass some of {', '.join(sorted(names))}")
    if options.json is None:
        kind = "-quick" if options.quick else "-brief" if options.brief else ""
        device = "" if options.device == "cpu" else f"-{options.device}"
        options.json = ROOT / "logs/bench" / f"occlusion{device}{kind}.json"
    if options.device == "cuda" and options.framework == "tensorflow":
        parser.error("--framework tensorflow: with --device cuda PyTorch alone is measured")
    if options.markdown and not options.json.exists():
        parser.error(f"--markdown: there is no {options.json} yet")
    return options


def _place(row: Row) -> int:
    """Where a row stands among all cases, whenever it was measured."""
    return [dataclasses.asdict(case) for case in _all_cases()].index(
        {each.name: row[each.name] for each in dataclasses.fields(Case)}
    )


def _all_cases() -> list[Case]:
    return [*every_case(), *volume_cases()]


def _wanted(case: Case, options: argparse.Namespace) -> bool:
    if options.framework not in (None, case.framework):
        return False
    if options.device == "cuda" and case.framework != "torch":
        return False
    if options.rows:
        return case.model in options.rows or case.name in options.rows
    return case.name in QUICK if options.quick else case.model in MODELS


def _measured(key: dict[str, Any], settings: Mapping[str, Any], device: str) -> Row | None:
    """A row, each part in a process of its own; None where that failed, and said why."""
    asked = {each: settings[each] for each in ("repeats", "seconds")}
    row = _run({"case": key, **asked, "device": device})
    if row is None:
        return None
    memory: dict[str, Any] = {}
    # Of a GPU another memory counts.
    if settings["memory"] and sys.platform == "linux" and device == "cpu":
        kind, batches = row["contenders"][DENSE]["setting"].split(", batches of ")
        for what in settings["memory"]:
            memory[what] = _run({"case": key, "what": what, "kind": kind, "batch": int(batches)})
        if None in memory.values():
            return None
    return {**key, **row, "memory": memory}


def _run(asked: dict[str, Any]) -> dict[str, Any] | None:
    command = [sys.executable, "-m", "benchmarks.occlusion.row", json.dumps(asked)]
    # TensorFlow's notes on a machine without a GPU would stand between the rows.
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        return None
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _machine(device: str) -> dict[str, Any]:
    name = platform.processor()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next((each.split(": ")[1] for each in lines if each.startswith("model name")), name)
    about = {"processor": name, "cores": os.cpu_count(), "system": platform.platform()}
    if device == "cuda":
        import torch

        about["device"] = torch.cuda.get_device_name()
    return about


def _versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{each: version(each) for each in PACKAGES}}


def _code() -> str:
    """Digest of the code that is measured, whose rows another code's are not."""
    digest = hashlib.sha256()
    folders = "tensorboard_picasso/summary", "benchmarks/occlusion"
    for path in sorted(each for folder in folders for each in (ROOT / folder).rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


if __name__ == "__main__":
    main()
