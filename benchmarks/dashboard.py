"""The tab in Chromium: 300 steps × 12 images × 2 methods × 3 targets of 64×64 in one run.

Prints seconds from navigation to all in sight painted at the newest step with
the slider answering, on a TensorBoard just started, and frames per second
stepping through all steps, each frame checked to be that step's maps.
"""

import statistics
import tempfile
import time
from pathlib import Path

from tests import chromium, logs, serving

STEPS, IMAGES, SIDE = 300, 12, 64
REPEATS = 3

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


def main() -> None:
    """Measure and print medians with their spread."""
    with tempfile.TemporaryDirectory() as folder:
        logs.plausible(Path(folder) / "run", 0, range(STEPS), IMAGES, SIDE)
        opened, stepping = [], []
        for _ in range(REPEATS):
            with serving.tensorboard(folder, seconds=120) as url, chromium.page() as page:
                started = time.perf_counter()
                frame = chromium.tab(page, url, step=STEPS - 1)
                frame.locator("#picasso").press("ArrowLeft")
                chromium.painted(page, STEPS - 2)
                opened.append(time.perf_counter() - started)
                page.wait_for_timeout(8000)  # the rest loads
                stepping.append(frame.evaluate(STEPPING, STEPS))
    rates = [each["fps"] for each in stepping]
    print(f"{STEPS} steps × {IMAGES} images of {SIDE}×{SIDE}, median of {REPEATS} (min–max)")
    print(
        f"navigation to painted and answering: {statistics.median(opened):.2f} s"
        f" ({min(opened):.2f}–{max(opened):.2f})"
    )
    print(
        f"stepping through all: {statistics.median(rates):.0f} frames/s"
        f" ({min(rates):.0f}–{max(rates):.0f}), {stepping[0]['canvases']} maps in sight,"
        f" {max(each['late'] for each in stepping)} frames late"
    )


if __name__ == "__main__":
    main()
