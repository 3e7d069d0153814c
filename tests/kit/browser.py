"""Chromium on the real stack: log directory, TensorBoard, the Picasso tab."""

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from urllib.parse import quote, urlsplit

import numpy as np
import pytest
from playwright.sync_api import Browser, Frame, Locator, Page, ViewportSize, sync_playwright

from tests.kit import chromium

CHARTED = """number => {
  const chart = document.querySelectorAll(".timeline .timechart")[number];
  return chart && !/to go|loading|counting/.test(chart.querySelector(".remark").textContent)
    && !document.querySelector("#picasso.loading");
}"""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for the whole session."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.PATH, args=chromium.FLAGS)
        with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            # It remembers TensorBoard's own page, compiled, from test to test: a fresh context
            # compiles it anew, which takes as long as all else until the tab is there.
            browser.kept = playwright.chromium.launch_persistent_context(
                profile, executable_path=chromium.PATH, args=chromium.FLAGS
            )
            yield browser
            browser.kept.close()
        browser.close()


class Tab:
    """The Picasso tab of one page: its frame, and what went wrong in it."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.faults: list[str] = []
        self.refused = 0  # failed requests that a test provoked
        origin = urlsplit(url).netloc

        def console(message: object) -> None:
            # TensorBoard's own page warns about its own libraries.
            if message.type == "error" and not (self.refused and "Failed to load" in message.text):
                self.faults.append(f"console: {message.text}")

        def request(request: object) -> None:
            parts = urlsplit(request.url)
            if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != origin:
                self.faults.append(f"request to another origin: {request.url}")

        page.on("console", console)
        page.on("pageerror", lambda error: self.faults.append(f"page error: {error}"))
        page.on("request", request)

    def open(self, **state: str) -> "Tab":
        """Go to the tab, with the given entries in the URL's hash."""
        entries = "".join(f"&p.picasso.{key}={quote(value)}" for key, value in state.items())
        fresh = self.page.url == "about:blank"
        self.page.goto(f"{self.url}#picasso{entries}")
        if not fresh:
            self.page.reload()  # a change of hash alone would not load the page again
        self.page.wait_for_selector("iframe")
        self.frame.wait_for_selector("#picasso")
        return self

    @property
    def frame(self) -> Frame:
        handle = self.page.wait_for_selector("iframe[src*=plugin_entry], iframe")
        return handle.content_frame()

    def drawn(self) -> None:
        """Wait until what was just asked for is drawn, but for what must be loaded first."""
        # The tab draws in the next frame, and asked for it before this does.
        self.frame.evaluate("() => new Promise(requestAnimationFrame)")

    def at(self, step: int) -> "Tab":
        """Wait until everything in sight is painted at a step."""
        self.drawn()
        self.frame.wait_for_selector(f'#picasso[data-step="{step}"]', timeout=30_000)
        return self

    def charted(self, number: int = 0) -> Locator:
        """A chart, once nothing of it is on its way."""
        # What came last is drawn in a frame of its own.
        for _ in range(2):
            self.drawn()
            self.frame.wait_for_function(CHARTED, arg=number)
        return self.frame.locator(".timeline .timechart").nth(number)

    def readout(self, number: int = 0) -> list[str]:
        """What a chart says of the current step, or of the one under the pointer."""
        return self.charted(number).locator(".readout span").all_inner_texts()

    def key(self, name: str) -> None:
        self.frame.locator("#picasso").press(name)

    def pixels(self, selector: str) -> np.ndarray:
        """RGB of a canvas, (height, width, 3) uint8."""
        height, width, data = self.frame.locator(selector).first.evaluate(
            "c => [c.height, c.width,"
            " [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]]"
        )
        return np.array(data, np.uint8).reshape(height, width, 4)[..., :3]

    def hash(self) -> str:
        return self.page.evaluate("location.hash")


@contextmanager
def tab(browser: Browser, url: str, viewport: ViewportSize | None = None) -> Iterator[Tab]:
    """A page of its own; at the end nothing may have gone wrong in it."""
    page = browser.kept.new_page()
    try:
        page.set_viewport_size(viewport or {"width": 1280, "height": 800})
        made = Tab(page, url)
        yield made
        assert made.faults == []
        page.evaluate("localStorage.clear()")
    finally:
        page.close()
