"""Take the README's pictures, docs/pictures/*.png.

Needs the logs of six demos (`scripts/demo --no-serve`, and of `decoy`, `detection`, `tanks`,
`imagenet` and `volumes` likewise) and Chromium.
"""

import argparse
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Browser, FrameLocator, Page, sync_playwright

TAKEN = Path(__file__).parent.parent / "docs" / "pictures"
WIDTH, HEIGHT = 1280, 800
# Of those that are of more.
TALL = {"tanks": 900, "edit": 960, "segments": 720}


def charts(*ids: str) -> str:
    """The part of an address that asks for these charts."""
    return "&p.picasso.charts=" + quote(",".join(quote(each, safe="") for each in ids))


# Of each log: the picture's name, light or dark, and the tab's state, at steps that demos log.
PICTURES = {
    "digits": (
        ("tab", "light", ""),
        ("dark", "dark", ""),
        ("large", "light", "&p.picasso.open=1&p.picasso.runs=lr0.001/picasso&p.picasso.step=268"),
        ("compare", "light", "&p.picasso.pin=118&p.picasso.runs=lr0.001/picasso"),
    ),
    "decoy": (
        ("decoy", "light", ""),
        ("patches", "light", "&p.picasso.patches=alike"),
        (
            "groups",
            "light",
            f"&p.picasso.runs=decoy/picasso&p.picasso.edits=none&p.picasso.sort=group{charts('groups:truth')}",
        ),
    ),
    "detection": (
        (
            "objects",
            "light",
            charts("pointing:its digit:occlusion", "iou:its digit:occlusion"),
        ),
    ),
    "imagenet": (("photographs", "light", ""), ("segments", "light", "")),
    "tanks": (
        ("tanks", "light", "&p.picasso.runs=army/picasso"),
        ("edit", "light", "&p.picasso.runs=army/picasso&p.picasso.edit=top,%20swapped"),
    ),
    "volumes": (
        ("volumes", "light", "&p.picasso.runs=cue,control&p.picasso.open=1&p.picasso.slice=2"),
    ),
}
# What is in sight first.
BROUGHT = {"segments": '.plate .method[aria-label="superpixels"]'}
# Where the pointer is.
HOVERED = {
    "large": ".block canvas[data-step]:visible",
    "compare": ".difference canvas[data-difference]:visible",
}


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
    tab.locator("#picasso:not(.loading)").wait_for(timeout=30_000)
    page.wait_for_timeout(1000)  # the charts
    return tab


def main() -> None:
    """Drive Chromium through the tab."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--logs", type=Path, default=Path("logs"), help="holds these logs")
    parser.add_argument("--out", type=Path, default=TAKEN)
    parser.add_argument("names", nargs="*", help="of pictures; default: all")
    arguments = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("no Chromium found: install it (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        for name, pictures in PICTURES.items():
            asked = [each for each in pictures if each[0] in arguments.names or not arguments.names]
            if not asked:
                continue
            process, url = serve(arguments.logs / name)
            try:
                for picture in asked:
                    take(browser, url, *picture, arguments.out)
            finally:
                process.kill()
        browser.close()


def take(browser: Browser, url: str, name: str, scheme: str, state: str, out: Path) -> None:
    """Take one picture of the tab."""
    size = {"width": WIDTH, "height": TALL.get(name, HEIGHT)}
    page = browser.new_page(viewport=size, color_scheme=scheme)
    page.goto(f"{url}{'?darkMode=true' if scheme == 'dark' else ''}#picasso{state}")
    tab = painted(page)
    if name in BROUGHT:
        tab.locator(BROUGHT[name]).first.evaluate("each => each.scrollIntoView()")
        painted(page)
    if name in HOVERED:
        tab.locator(HOVERED[name]).first.hover()
    page.screenshot(path=out / f"{name}.png")
    page.close()


if __name__ == "__main__":
    main()
