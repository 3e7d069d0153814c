"""The tab in Chromium: opening, stepping, weighing a drawn region, and what it takes of memory.

Each case is logged with two methods and three targets an image. Opening is timed from
navigation, on a TensorBoard just started, until all in sight is painted at the newest step and
the slider answers; stepping over all steps, each frame checked to be that step's maps; a region
from the end of drawing it until its chart holds all steps. Memory is proportional set size.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from playwright.sync_api import Frame

from tensorboard_picasso.numbers import maps
from tensorboard_picasso.stored import record
from tensorboard_picasso.stored.metadata import Kind, Series
from tests.kit import chromium, logs, serving

# Runs, images, steps, pixels a side, and whether edits are logged beside.
CASES = (
    (1, 12, 300, 64, False),
    (3, 16, 300, 64, False),
    (3, 16, 300, 64, True),
    (1, 4, 100, 224, False),
)
REPEATS = 3
EDITED = 64  # images that edits are made of

STEPPING = """async (count) => {
  const root = document.querySelector("#picasso");
  const key = (name) => document.body.dispatchEvent(new KeyboardEvent("keydown", {key: name, bubbles: true}));
  const frame = () => new Promise(requestAnimationFrame);
  key("Home");
  while (root.dataset.step !== "0") await frame();
  const inSight = [...document.querySelectorAll(".card.now canvas")].filter((each) => {
    const {top, bottom} = each.getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
  });
  let late = 0;
  const started = performance.now();
  for (let step = 1; step < count; step++) {
    key("ArrowRight");
    do await frame(); while (root.dataset.step !== String(step) && ++late < 10000);
    for (const each of inSight) {
      if (each.dataset.step !== String(step)) throw new Error(`frame ${step} shows ${each.dataset.step}`);
    }
  }
  return {fps: (count - 1) / ((performance.now() - started) / 1000), late, canvases: inSight.length};
}"""


DRAWN = """() => {
  const read = [...document.querySelectorAll(".timechart")].find(
    (each) => each.querySelector("select").selectedOptions[0].text.includes("(drawn)"));
  if (!read || read.querySelector(".remark").textContent.includes("counting")) return false;
  return /%/.test(read.querySelector(".readout").textContent);
}"""


def edits(run: Path, seed: int, steps: Sequence[int], probe: str = "digits") -> None:
    """Log edits beside: twelve of the whole image, four of regions, and each of those at two other places."""
    random = np.random.default_rng(seed)
    names = [record.Edit(f"edit {number}", "it") for number in range(12)]
    for region in ("corner", "blob"):
        for form in ("swapped", "hidden"):
            own = f"{region}, {form}"
            names.append(record.Edit(own, "it", form, region))
            for at in (1, 2):
                other = f"{region} elsewhere ({at}), {form}"
                names.append(record.Edit(other, "it", form, region, own))
    used = np.array([1.0 if not each.matched else 0.2 for each in names])
    shape = (len(names), EDITED)
    noise = random.normal(0, 0.1, shape)
    images = tuple(
        record.Edited(bytes([at]) * 16, (at % logs.CLASSES,), at % logs.CLASSES, (at + 1) % EDITED,
                      (at + 1) % logs.CLASSES)
        for at in range(EDITED)
    )  # fmt: skip
    log = logs.Log(run, f"events.out.tfevents.2.{seed}")
    for number, step in enumerate(steps):
        progress = number / max(1, len(steps) - 1)
        said = record.Edits(
            output=maps.Output.LOGITS,
            class_count=logs.CLASSES,
            edits=tuple(names),
            images=images,
            whole=random.normal(size=(EDITED, 3)).astype(np.float32),
            edited=random.normal(size=(*shape, 3)).astype(np.float32),
            predicted=random.integers(0, logs.CLASSES, shape).astype(np.uint32),
            moves=np.clip(progress * used[:, None] + noise, 0, 1).astype(np.float32),
            asked=np.ones(shape, bool),
            flips=random.random(shape) < progress * used[:, None],
        )
        log.write(step, [(Series(probe, 0, Kind.EDITS), record.pack_edits(said))], time.time())
    log.close()


def megabytes(of: str) -> float:
    """Memory of this process's descendants whose command line holds a word."""
    total = 0
    for process in Path("/proc").iterdir():
        try:
            ours = process.name.isdigit() and of in (process / "cmdline").read_text()
            if ours and _descends(int(process.name)):
                rollup = (process / "smaps_rollup").read_text()
                total += int(rollup.split("Pss:")[1].split()[0])
        except (OSError, IndexError):
            continue
    return total / 1000


def _descends(pid: int) -> bool:
    while pid > 1:
        if pid == os.getpid():
            return True
        pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    return False


def weigh(frame: Frame) -> float:
    """Draw a region on an image; seconds until its chart is whole."""
    frame.locator("#picasso").press("r")
    box = frame.locator("article:not(.mean) .now canvas").first.bounding_box()
    mouse = frame.page.mouse
    mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.2 * box["height"])
    mouse.down()
    mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.6 * box["height"])
    started = time.perf_counter()
    mouse.up()
    frame.wait_for_function(DRAWN, timeout=60_000)
    return time.perf_counter() - started


def measure(runs: int, images: int, steps: int, side: int, edited: bool) -> None:
    """Print one case's medians with their spread."""
    with tempfile.TemporaryDirectory() as folder:
        for run in range(runs):
            logs.plausible(Path(folder) / f"run{run}", run, range(steps), images, side)
            if edited:
                edits(Path(folder) / f"run{run}", run, range(steps))
        opened, stepping, weighed, browser, server = [], [], [], [], []
        for _ in range(REPEATS):
            with (
                serving.tensorboard(folder, seconds=240, program=serving.OWN) as url,
                chromium.page() as page,
            ):
                started = time.perf_counter()
                frame = chromium.tab(page, url, step=steps - 1)
                frame.locator("#picasso").press("ArrowLeft")
                chromium.painted(page, steps - 2)
                opened.append(time.perf_counter() - started)
                page.wait_for_timeout(15000)  # the rest loads
                stepping.append(frame.evaluate(STEPPING, steps))
                weighed.append(weigh(frame))
                browser.append(megabytes("chrom"))
                server.append(megabytes("tensorboard"))
    rates = [each["fps"] for each in stepping]
    beside = f", 24 edits of {EDITED} images" if edited else ""
    print(f"{runs} × {images} images of {side}×{side} × {steps} steps{beside}, median (min–max)")
    for text, values, unit in (
        ("navigation to painted and answering", opened, "s"),
        ("stepping through all", rates, "frames/s"),
        ("a drawn region's chart", weighed, "s"),
        ("all browser processes", browser, "MB"),
        ("TensorBoard's processes", server, "MB"),
    ):
        middle = statistics.median(values)
        print(f"  {text}: {middle:.2f} {unit} ({min(values):.2f}–{max(values):.2f})")
    late = max(each["late"] for each in stepping)
    print(f"  {stepping[0]['canvases']} maps in sight, {late} frames late", flush=True)


def main() -> None:
    """Measure all cases."""
    for case in CASES:
        measure(*case)


if __name__ == "__main__":
    main()
