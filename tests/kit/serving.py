"""A real TensorBoard process for tests."""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from google.protobuf.message import DecodeError
from tensorboard.compat.proto import event_pb2

from tensorboard_picasso.stored import metadata
from tensorboard_picasso.stored.frames import frames
from tensorboard_picasso.stored.metadata import Kind
from tests.kit import packs

# TensorBoard imports TensorFlow where that is installed, which takes longer than all else of its
# start; it is told, as TensorBoard looks for, not to: it is then as where PyTorch or JAX is alone.
ALONE = "import sys, types; sys.modules['tensorboard.compat.notf'] = types.ModuleType('notf')"
WITHOUT = f"{ALONE}; from tensorboard.main import run_main; run_main()"
# As users start it.
OWN = ("-m", "tensorboard.main")


def get(url: str, headers: dict[str, str] | None = None) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers; an HTTP error is a status like any other."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {})) as answer:
            return answer.status, answer.read(), dict(answer.headers)
    except urllib.error.HTTPError as e:
        return e.code, e.read(), dict(e.headers)


def asked(url: str, route: str, **query: object) -> dict:
    """What a route of the plugin answers at TensorBoard's address, as `packs.read` has it."""
    status, body, _ = get(f"{url}data/plugin/picasso/{route}?{urlencode(query)}")
    assert status == 200, body
    return packs.read(body)


@contextmanager
def tensorboard(
    logdir: Path | str | None, *flags: str, load_fast: bool = True, prefix: str = "",
    environment: dict[str, str] | None = None, seconds: float = 60,
    program: Sequence[str] = (), tensorflow: bool = False,
) -> Iterator[str]:  # fmt: skip
    """Start TensorBoard; yields its URL once it has read the log.

    program: what Python runs in place of TensorBoard's own. tensorflow: its Python loader reads
    files with TensorFlow, where it would with code of its own.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    start = OWN if tensorflow and not load_fast else ["-c", WITHOUT]
    command = [sys.executable, *(program or start), "--port", str(port), "--host", "127.0.0.1"]
    command += ["--load_fast", str(load_fast).lower(), "--reload_interval", "1", *flags]
    if logdir is not None:
        command += ["--logdir", str(logdir)]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    url = f"http://127.0.0.1:{port}{prefix}/"
    try:
        _wait(process, url, _runs(logdir), seconds)
        yield url
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


# For tests of what is read: each loader as users of TensorFlow have it.
with_tensorflow = partial(tensorboard, tensorflow=True)


class Last(NamedTuple):
    """The record of a method that was written last in a run."""

    run: str
    probe: str
    label: str
    image: int
    step: int

    def served(self, url: str) -> bool:
        query = {"run": self.run, "probe": self.probe, "label": self.label, "images": self.image}
        status, body, _ = get(f"{url}data/plugin/picasso/attributions?{urlencode(query)}")
        images = packs.read(body)["images"] if status == 200 else []
        return any(
            int(record["step"]) == self.step for image in images for record in image["records"]
        )


# Events above are of hostile logs.
LARGE = 1 << 20
# How long to wait for a last record that may never be served: damaged, or superseded.
GRACE = 2


def _runs(logdir: Path | str | None) -> dict[str, Last | None]:
    """The runs that hold records of ours, each with the last of a method."""
    runs: dict[str, Last | None] = {}
    # Loaders read the files of a run in the order of their names.
    for path in sorted([] if logdir is None else Path(logdir).rglob("*tfevents*")):
        if b"picasso" in path.read_bytes():
            run = path.parent.relative_to(logdir).as_posix()
            runs[run] = _last(path, run) or runs.get(run)
    return runs


def _last(path: Path, run: str) -> Last | None:
    """The last record of a method in an event file, if it has one that can be read."""
    data, series, last = path.read_bytes(), {}, None
    try:
        with path.open("rb") as file:
            for begin, end in frames(file, len(data)):
                event = event_pb2.Event()
                if end - begin < LARGE:
                    event.ParseFromString(data[begin:end])
                for value in event.summary.value:
                    about = value.metadata.plugin_data
                    if about.plugin_name == metadata.PLUGIN_NAME:
                        series[value.tag] = metadata.parse(about.content)
                    of = series.get(value.tag)
                    if of is not None and of.kind is Kind.METHOD:
                        last = Last(run, of.probe, of.label, of.image, event.step)
    except (ValueError, DecodeError):
        pass  # what stands behind is not read by TensorBoard either
    return last


def _wait(
    process: subprocess.Popen, url: str, runs: dict[str, Last | None], seconds: float
) -> None:
    """Until all runs are listed, in the same answer twice, and the last record of each is served."""
    end = time.monotonic() + seconds
    last, missing, since = None, set(runs), None
    unserved = [each for each in runs.values() if each is not None]
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"TensorBoard ended: {process.stdout.read()}")
        try:
            status, body, _ = get(f"{url}data/plugin/picasso/index")
        except OSError:
            status, body = 0, b""
        if status == 200 and b'"probes"' in body and body == last:
            missing = set(runs) - {each["name"] for each in json.loads(body)["runs"]}
            if not missing:
                since = since or time.monotonic()
                unserved = [each for each in unserved if not each.served(url)]
                if not unserved or time.monotonic() > since + GRACE:
                    return
        last = body
        time.sleep(0.4)
    raise RuntimeError(
        f"TensorBoard does not show {sorted(missing) or 'a probe'} after {seconds} s"
    )
