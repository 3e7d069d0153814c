"""Hostile requests: any route, parameter, method and header gets an answer that is no 500."""

import http.client
from urllib.parse import quote, urlsplit

import numpy as np
import pytest
from hypothesis import strategies as st

from tests.attack.tools.app import App
from tests.attack.tools.settings import attack
from tests.kit import logs
from tests.kit.serving import with_tensorflow as tensorboard

LARGEST = 1 << 28
REQUESTS = 600  # of a plain run
SENT = 60  # of them to a TensorBoard process

ROUTES = (
    "/index", "/inputs", "/image", "/scores", "/attributions", "/means", "/maps", "/scalars",
    "/scalar", "/export",
)  # fmt: skip
KEYS = (
    "run", "probe", "image", "images", "label", "grids", "groups", "group", "of", "pngs", "hash",
    "tag", "format", "target", "step", "reading", "palette", "opacity", "scale", "size", "fps",
    "runs",
)  # fmt: skip
RIGHT = {
    "run": "run", "probe": "digits", "image": "0", "images": "0,1", "label": "occlusion",
    "grids": "all", "groups": "probe,0", "of": "0:0:1000.0", "pngs": "true", "tag": "loss",
    "hash": logs.HASH.hex(), "format": "png", "target": "1", "step": "0", "reading": "score",
    "scale": "map", "size": "64", "opacity": "0.5", "fps": "5", "runs": "run",
}  # fmt: skip
ODD = st.sampled_from(
    ["", "0", "-1", "NaN", "inf", "1e999", "__proto__", "a" * 5000, "9" * 300, "0," * 3000, "\x00",
     "../..", "%00", "\ud800", "９", "0:0:nan", "0:0:1e400", "0:9223372036854775808:1", "probe",
     "saliency", "npz", "gif", "webp", "csv", "predicted", "evidence", "4096", "shared", "'\"<&>"]
)  # fmt: skip
VALUES = st.one_of(ODD, st.text(max_size=40), st.integers(-(2**70), 2**70).map(str))
NAMES = st.one_of(
    st.text(max_size=300),
    st.sampled_from(
        ["a" * 300, "\x00", "..", "../record.py", "index.js\x00", "a/" * 200, "%2e%2e"]
    ),
)


@st.composite
def requests(draw):
    """A route with some right words, some of them turned."""
    route = draw(st.sampled_from((*ROUTES, "/static/")))
    if route == "/static/":
        route += draw(NAMES)
    query = [(key, value) for key, value in RIGHT.items() if draw(st.integers(0, 9))]
    for _ in range(draw(st.integers(0, 4))):
        query.append((draw(st.sampled_from(KEYS)), draw(VALUES)))
    turned = draw(st.permutations(query)) if draw(st.booleans()) else query
    return (
        route,
        "&".join(f"{quote(k)}={quote(v, errors='surrogatepass')}" for k, v in turned),
        draw(st.sampled_from(("GET", "GET", "GET", "GET", "HEAD", "POST", "PUT", "DELETE", "X"))),
        draw(
            st.dictionaries(
                st.sampled_from(("Accept-Encoding", "If-None-Match", "Range", "Accept", "Host")),
                st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60),
                max_size=2,
            )
        ),
    )


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    logdir = tmp_path_factory.mktemp("logs")
    logs.plausible(logdir / "run", 0, [0, 10, 20], 2, 8)
    log = logs.Log(logdir / "run", "events.out.tfevents.2.scalars")
    log.scalar(0, "loss", float(np.pi), 1000.0)
    log.close()
    return logdir


def test_no_request_is_answered_with_500(trials, logdir):
    app = App(logdir)
    statuses: dict[int, int] = {}
    largest = 0

    def check(request):
        nonlocal largest
        route, query, method, headers = request
        status, body = app.get(route, query, method=method, headers=headers)
        assert status in (200, 304, 400, 404, 413), (request, body)
        if status >= 400:
            assert body or method == "HEAD"
        statuses[status] = statuses.get(status, 0) + 1
        largest = max(largest, len(body))

    attack(trials(REQUESTS), request=requests())(check)
    print(f"\n{sum(statuses.values()):,} requests: {statuses}; largest answer {largest:,} bytes")
    assert statuses.get(200)
    assert statuses.get(400)
    assert statuses.get(404)
    assert largest <= LARGEST


@pytest.mark.parametrize("load_fast", [True, False], ids=["rust", "python"])
def test_nor_does_a_tensorboard_answer_so(trials, logdir, load_fast):
    statuses: dict[int, int] = {}
    with tensorboard(logdir, load_fast=load_fast) as url:
        at = urlsplit(url)

        def check(request):
            route, query, method, headers = request
            path = "/data/plugin/picasso" + quote(route, errors="surrogatepass")
            connection = http.client.HTTPConnection(at.hostname, at.port, timeout=60)
            try:
                connection.request(method, f"{path}?{query}"[:60_000], headers=headers)
                answer = connection.getresponse()
                body = answer.read()
            finally:
                connection.close()
            assert answer.status < 500, (request, body)
            statuses[answer.status] = statuses.get(answer.status, 0) + 1

        attack(trials(SENT), request=requests())(check)
    assert statuses.get(200)


@pytest.mark.parametrize(
    "name",
    ["a" * 300, "a" * 5000, "index.js\x00", "..", "../record.py", "a/" * 200, "."],
)
def test_a_path_that_is_no_file_of_ours_is_404(logdir, name):
    status, body = App(logdir).get(f"/static/{name}")
    assert (status, b"no file" in body) == (404, True)
