"""The tab inside the page of another origin, in a frame as `%tensorboard` makes it."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.kit.logs import plausible
from tests.kit.serving import tensorboard

pytestmark = pytest.mark.browser
HEIGHT = 800  # of the cell's frame, TensorBoard's own bar included
WIDTH = 828  # what JupyterLab leaves beside its list of files on a screen of 1280


@contextmanager
def notebook(url):
    """The address of a page that shows another address as a notebook's cell does."""
    page = f"""<!doctype html><textarea id="cell"></textarea>
<iframe src="{url}" width="100%" height="{HEIGHT}" frameborder="0"></iframe>"""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/" else 204)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode() if self.path == "/" else b"")

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        # As in Jupyter: another port of the same host.
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def tensorboard_url(tmp_path_factory):
    path = tmp_path_factory.mktemp("notebook")
    plausible(path / "a", 0, range(0, 100, 10), 6, 12)
    plausible(path / "b", 1, range(0, 100, 10), 6, 12)
    with tensorboard(path) as url:
        yield url


@pytest.fixture
def cell(browser, tensorboard_url):
    """The notebook's page and, in it, the tab with everything painted at step 90."""
    with notebook(tensorboard_url) as address:
        context = browser.new_context(viewport={"width": WIDTH + 16, "height": HEIGHT + 80})
        context.grant_permissions(["clipboard-read"], origin=address)
        page = context.new_page()
        faults = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(address)
        host = page.frame_locator("iframe")
        host.get_by_role("tab", name="Picasso").click()
        picasso = host.frame_locator("iframe[src*=picasso]")
        picasso.locator('#picasso[data-step="90"]').wait_for(timeout=30_000)
        yield page, picasso
        context.close()
        assert faults == []


def test_the_rows_fit_the_cell(cell):
    _, picasso = cell
    for selector in ("html", "main", ".top"):
        wide = picasso.locator(selector).first.evaluate("e => e.scrollWidth - e.clientWidth")
        assert wide == 0, selector
    first = picasso.locator(".list article").first
    below = "e => e.getBoundingClientRect().bottom - innerHeight"
    assert first.evaluate(below) < 0


def test_it_does_not_take_the_keyboard_from_the_notebook(cell):
    page, picasso = cell
    page.locator("#cell").click()
    page.keyboard.type("r 1")
    picasso.locator("#picasso:not(.drawing)").wait_for()
    page.wait_for_timeout(300)  # a step would be shown by now
    assert page.locator("#cell").input_value() == "r 1"
    assert picasso.locator("#picasso").get_attribute("data-step") == "90"


def test_steps_pins_and_regions_by_key(cell):
    page, picasso = cell
    picasso.locator(".legend").first.click()
    page.keyboard.press("Home")
    picasso.locator('#picasso[data-step="0"]').wait_for()
    page.keyboard.press("p")
    page.keyboard.press("End")
    picasso.locator('#picasso.comparing[data-step="90"]').wait_for()
    page.keyboard.press("Control+z")
    picasso.locator("#picasso:not(.comparing)").wait_for()
    # What was chosen stands in the address of TensorBoard's page, not in the notebook's.
    host = next(frame for frame in page.frames if frame.parent_frame == page.main_frame)
    page.keyboard.press("Home")
    host.wait_for_function("location.hash.includes('p.picasso.step=0')")
    assert "picasso" not in page.url


def test_the_link_is_copied_without_the_clipboard_permission(cell, tensorboard_url):
    page, picasso = cell
    picasso.locator(".menu.view > button").click()
    copy = picasso.get_by_role("button", name="copy a link")
    copy.click()
    copy.filter(has_text="Copied").wait_for()
    # What the menu chooses is drawn around it, and stands in the next link.
    picasso.get_by_label("size").select_option("large")
    picasso.locator("#picasso").evaluate("() => new Promise(requestAnimationFrame)")
    assert copy.inner_text() == "Copied"
    assert picasso.locator("input.link").is_visible()
    copy.click()
    page.locator("#cell").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == picasso.locator("input.link").input_value()
    assert copied.startswith(tensorboard_url)
    assert "p.picasso.step=90" in copied
    assert "p.picasso.size=large" in copied


def test_the_picture_is_saved(cell):
    page, picasso = cell
    picasso.locator(".menu.view > button").click()
    with page.expect_download() as download:
        picasso.get_by_role("button", name="save what is on screen").click()
    assert download.value.suggested_filename == "digits step 90.png"
