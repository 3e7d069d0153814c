"""The tab in Chromium: opening, stepping, weighing a drawn region, and what it takes of memory.

Opening is timed on a TensorBoard just started, from navigation and from the first byte of the tab's
frame, until all in sight is painted at the newest step and the slider answers; of the first case by
turns with TensorBoard's own Images tab, from navigation until the same images in sight are there.
Stepping goes over all steps, or 300, each frame checked to be one step's maps; a region from the
end of drawing it until its chart holds all steps. Volumes are turned through all slices, each frame
checked likewise. Memory is proportional set size.
"""

import argparse
import json
import statistics
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from benchmarks.dashboard import measures
from benchmarks.dashboard.cases import CASES, SELDOM, Case
from tests.kit import chromium, serving

REPEATS = 3
OPENED = "navigation to painted and answering"
PICTURED = "TensorBoard's Images tab, navigation to its pictures"


def measure(case: Case, repeats: int) -> dict[str, Any]:
    """All figures of a case, a value a repeat, with their units."""
    found: dict[str, list[float]] = defaultdict(list)
    late = canvases = 0
    with tempfile.TemporaryDirectory() as folder:
        case.write(Path(folder))
        for turn in range(repeats):
            with serving.tensorboard(folder, *case.flags, seconds=240, program=serving.OWN) as url:
                ours_first = turn % 2 == 0
                if case.pictures and not ours_first:
                    _images_tab(url, found)
                with chromium.page() as page:
                    frame, whole, own = measures.opened(page, url, case.steps - 1)
                    found[f"{OPENED}, s"].append(whole)
                    found["the frame's first byte to that, s"].append(own)
                    measures.loaded(frame)
                    rate, slow, canvases = measures.stepped(frame, case.steps)
                    late = max(late, slow)
                    found["stepping through all, frames/s"].append(rate)
                    if case.depth:
                        found["turning through all slices, slices/s"].append(measures.turned(frame))
                    if case.drawn_on:
                        found["a drawn region's chart, s"].append(measures.weigh(frame))
                    found["all browser processes, MB"].append(measures.megabytes("chrom"))
                    found["TensorBoard's processes, MB"].append(measures.megabytes("tensorboard"))
                if case.pictures and ours_first:
                    _images_tab(url, found)
    if case.pictures:
        pairs = zip(found[f"{OPENED}, s"], found[f"{PICTURED}, s"], strict=True)
        found["opening, by that of the Images tab, ×"] = [ours / theirs for ours, theirs in pairs]
    figures = {
        name: (values, unit)
        for key, values in found.items()
        for name, unit in (key.rsplit(", ", 1),)
    }
    return {"name": case.name, "figures": figures, "maps": canvases, "late": late}


def _images_tab(url: str, found: dict[str, list[float]]) -> None:
    with chromium.page() as page:
        found[f"{PICTURED}, s"].append(measures.pictured(page, url))


def main() -> None:
    """See `--help`."""
    parser = argparse.ArgumentParser("scripts/bench dashboard", description=__doc__)
    usual = [name for name in CASES if name not in SELDOM]
    parser.add_argument(
        "--cases", nargs="+", choices=CASES, default=usual,
        help=f"default: all but {' and '.join(SELDOM)}",
    )  # fmt: skip
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--json", type=Path, help="file of what was found")
    options = parser.parse_args()
    cases = []
    for name in options.cases:
        case = measure(CASES[name], options.repeats)
        cases.append(case)
        print(f"{case['name']}, median (min–max)")
        for text, (values, unit) in case["figures"].items():
            middle = statistics.median(values)
            print(f"  {text}: {middle:.2f} {unit} ({min(values):.2f}–{max(values):.2f})")
        print(f"  {case['maps']} maps in sight, {case['late']} frames late", flush=True)
        if options.json:
            options.json.write_text(json.dumps({"cases": cases}, indent=1) + "\n")


if __name__ == "__main__":
    main()
