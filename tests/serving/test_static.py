"""The dashboard's files: their addresses, and what is told of keeping them."""

import json
import os

from tensorboard_picasso.serving.static import Static
from tests.attack.tools.app import App
from tests.kit import logs
from tests.kit.serving import get, tensorboard

FOREVER = "private, max-age=31536000"


def test_files_that_change_have_another_address(tmp_path):
    for name in ("index.js", "begin.js", "style.css"):
        (tmp_path / name).write_text("")
    static = Static(tmp_path)
    before = static.entry()
    assert static.entry() == before
    version = before.removeprefix("/static/").removesuffix("index.js")
    (tmp_path / "style.css").write_text("p {}")
    os.utime(tmp_path / "style.css", ns=(1, 1))
    assert static.entry() != before
    # A page that was open goes on, and what it is given now is not kept as what it asked for.
    file, lasting = static.find(f"{version}style.css")
    assert (file.data, lasting) == (b"p {}", False)
    assert static.find(static.entry().removeprefix("/static/"))[1]


def test_files_last_under_the_address_of_their_content(tmp_path):
    logs.plausible(tmp_path / "run", 0, [0], 1, 8)
    app = App(tmp_path)
    assert app.get("/static/v-000000000000000000000000/../plugin.py")[0] == 404
    with tensorboard(tmp_path) as url:
        listing = json.loads(get(f"{url}data/plugins_listing")[1])
        entry = url + listing["picasso"]["loading_mechanism"]["module_path"].lstrip("/")
        for name in ("index.js", "log/api.js", "style.css", "begin.js", "begin.js.map"):
            lasting = entry.replace("index.js", name)
            plain = f"{url}data/plugin/picasso/static/{name}"
            assert get(lasting)[2]["Cache-Control"] == FOREVER
            assert "no-cache" in get(plain)[2]["Cache-Control"]
            assert get(lasting)[1] == get(plain)[1]
            packed = get(plain, {"Accept-Encoding": "gzip"})
            assert packed[2]["Content-Encoding"] == "gzip"
            assert len(packed[1]) == int(packed[2]["Content-Length"])
