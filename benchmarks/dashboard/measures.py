"""What is measured of a page: seconds, frames a second, megabytes."""

import os
import time
from pathlib import Path

from playwright.sync_api import Frame, Page

from tests.kit import chromium

# Of a log of more steps these many are stepped through.
MOST = 300

STEPPING = """async (count) => {
  const root = document.querySelector("#picasso");
  const key = (name) => document.body.dispatchEvent(new KeyboardEvent("keydown", {key: name, bubbles: true}));
  const frame = () => new Promise(requestAnimationFrame);
  const newest = root.dataset.step;
  key("Home");
  do await frame(); while ([undefined, newest].includes(root.dataset.step));
  const inSight = [...document.querySelectorAll(".card.now canvas")].filter((each) => {
    const {top, bottom} = each.getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
  });
  let late = 0;
  const started = performance.now();
  for (let step = 1; step < count; step++) {
    const before = root.dataset.step;
    key("ArrowRight");
    do await frame(); while ([undefined, before].includes(root.dataset.step) && ++late < 10000);
    for (const each of inSight) {
      if (each.dataset.step !== root.dataset.step) throw new Error(`frame ${root.dataset.step} shows ${each.dataset.step}`);
    }
  }
  return {fps: (count - 1) / ((performance.now() - started) / 1000), late, canvases: inSight.length};
}"""
TURNING = """async () => {
  const key = (name) => document.body.dispatchEvent(new KeyboardEvent("keydown", {key: name, bubbles: true}));
  const frame = () => new Promise(requestAnimationFrame);
  const inSight = [...document.querySelectorAll(".card canvas[data-slice]")].filter((each) => {
    const {top, bottom} = each.getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
  });
  const slider = document.querySelector("input.slices");
  slider.value = 0;
  slider.dispatchEvent(new Event("input"));
  do await frame(); while (inSight[0].dataset.slice !== "0");
  const started = performance.now();
  for (let slice = 1; slice <= slider.max; slice++) {
    key("PageDown");
    do await frame(); while (inSight[0].dataset.slice !== String(slice));
    for (const each of inSight) {
      if (each.dataset.slice !== String(slice)) throw new Error(`slice ${slice} shows ${each.dataset.slice}`);
    }
  }
  return slider.max / ((performance.now() - started) / 1000);
}"""
FIRST_BYTE = """() => {
  const [page] = performance.getEntriesByType("navigation");
  return performance.timeOrigin + page.responseStart;
}"""
PICTURED = """images => {
  const near = images.filter((each) => each.getBoundingClientRect().top < innerHeight);
  return near.length > 0 && near.every((each) => each.complete && each.naturalWidth > 0);
}"""
DRAWN = """() => {
  const read = [...document.querySelectorAll(".timechart")].find(
    (each) => each.querySelector("select").selectedOptions[0].text.includes("(drawn)"));
  if (!read || read.querySelector(".remark").textContent.includes("counting")) return false;
  return /%/.test(read.querySelector(".readout").textContent);
}"""


def opened(page: Page, url: str, newest: int) -> tuple[Frame, float, float]:
    """Open the tab; seconds from navigation, and from its frame's first byte, to painted and answering."""
    started = time.perf_counter()
    frame = chromium.tab(page, url, step=newest)
    frame.locator("#picasso").press("ArrowLeft")
    frame.locator(f'#picasso[data-step]:not([data-step="{newest}"])').wait_for(timeout=30_000)
    ended, now = time.perf_counter(), time.time()
    return frame, ended - started, now - frame.evaluate(FIRST_BYTE) / 1000


def pictured(page: Page, url: str) -> float:
    """Open TensorBoard's Images tab; seconds until the pictures in sight are there."""
    started = time.perf_counter()
    page.goto(f"{url}#images")
    images = page.locator("tf-image-loader img")
    images.first.wait_for(timeout=30_000)
    while not images.evaluate_all(PICTURED):
        page.wait_for_timeout(10)
    return time.perf_counter() - started


def loaded(frame: Frame) -> None:
    """Wait until nothing is on its way."""
    frame.locator("#picasso:not(.loading)").wait_for(timeout=120_000)
    frame.page.wait_for_timeout(5000)
    frame.locator("#picasso:not(.loading)").wait_for(timeout=120_000)


def stepped(frame: Frame, steps: int) -> tuple[float, int, int]:
    """Frames a second of stepping through all, frames that came late, maps in sight."""
    found = frame.evaluate(STEPPING, min(steps, MOST))
    return found["fps"], found["late"], found["canvases"]


def turned(frame: Frame) -> float:
    """Slices a second of turning through all, every map in sight."""
    return float(frame.evaluate(TURNING))


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
    canvas = frame.locator("article:not(.mean) .now canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    mouse = frame.page.mouse
    mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.2 * box["height"])
    mouse.down()
    mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.6 * box["height"])
    started = time.perf_counter()
    mouse.up()
    frame.wait_for_function(DRAWN, timeout=60_000)
    return time.perf_counter() - started
