"""Take the README's pictures: docs/tab.png, docs/dark.png and docs/large.png.

Needs a log (`scripts/demo --no-serve`) and Chromium.
"""

import argparse
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import FrameLocator, Page, sync_playwright

DOCS = Path(__file__).parent.parent / "docs"
SIZE = {"width": 1280, "height": 800}
# One digit of one run in the middle of training, at a step that the demo logs.
LARGE = "&p.picasso.open=1&p.picasso.runs=lr0.001/picasso&p.picasso.step=268"


def serve(logdir: Path) -> tuple[subprocess.Popen, str]:
    """Start TensorBoard; returns it and its address, once it has read the log."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logdir)]
    process = subprocess.Popen([*command, "--port", str(port)], stderr=subprocess.DEVNULL)
    url = f"http://localhost:{port}/"
    for _ in range(120):
        time.sleep(0.5)
        try:
            with urllib.request.urlopen(f"{url}data/plugin/picasso/index") as answer:
                if b'"probes"' in answer.read():
                    return process, url
        except OSError:
            continue
    process.kill()
    raise SystemExit(f"TensorBoard shows nothing of {logdir}: run scripts/demo --no-serve first")


def painted(page: Page) -> FrameLocator:
    """The tab, once all in sight is painted at the step it shows."""
    tab = page.frame_locator("iframe")
    tab.locator("#picasso[data-step]").wait_for(timeout=30_000)
    page.wait_for_timeout(2500)  # what is out of sight, and the charts
    return tab


def main() -> None:
    """Drive Chromium through the tab."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--logdir", type=Path, default=Path("logs/digits"))
    parser.add_argument("--out", type=Path, default=DOCS)
    arguments = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("no Chromium found: install it (Debian: apt-get install chromium)")
    process, url = serve(arguments.logdir)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
            )
            for name, scheme, state in (
                ("tab", "light", ""),
                ("dark", "dark", ""),
                ("large", "light", LARGE),
            ):
                page = browser.new_page(viewport=SIZE, color_scheme=scheme)
                page.goto(f"{url}{'?darkMode=true' if scheme == 'dark' else ''}#picasso{state}")
                tab = painted(page)
                if name == "large":
                    tab.locator(".opened canvas[data-step]:visible").first.hover()
                page.screenshot(path=arguments.out / f"{name}.png")
            browser.close()
    finally:
        process.kill()


if __name__ == "__main__":
    main()
