"""A real Chromium for tests and benchmarks."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Frame, Page, sync_playwright

PATH = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@contextmanager
def page(width: int = 1280, height: int = 800) -> Iterator[Page]:
    """A new page of a headless Chromium; `page.wrong` collects what must not happen."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PATH, args=FLAGS)
        opened = browser.new_page(viewport={"width": width, "height": height})
        opened.wrong = []
        opened.on("pageerror", lambda error: opened.wrong.append(str(error)))
        opened.on(
            "console",
            lambda message: message.type == "error" and opened.wrong.append(message.text),
        )
        opened.on("request", lambda request: _check_origin(opened, request.url))
        try:
            yield opened
        finally:
            browser.close()


def _check_origin(opened: Page, url: str) -> None:
    if not url.startswith(("http://127.0.0.1", "http://localhost", "data:", "blob:", "about:")):
        opened.wrong.append(f"request to {url}")


def tab(opened: Page, url: str, state: str = "", step: int | None = None) -> Frame:
    """Open the Picasso tab and wait until a step (default: any) is painted."""
    opened.goto(f"{url}#picasso{state}")
    return painted(opened, step)


def painted(opened: Page, step: int | None = None) -> Frame:
    """The tab's frame, once all in sight is painted."""
    which = "[data-step]" if step is None else f'[data-step="{step}"]'
    opened.frame_locator("iframe").locator(f"#picasso{which}").wait_for(timeout=30_000)
    return next(frame for frame in opened.frames if "plugin_entry" in frame.url)
