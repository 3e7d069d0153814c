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
from pathlib import Path

# TensorBoard imports TensorFlow for its pages of other plugins, which takes longer than all else
# of its start; where the data server reads the logs it is told, as TensorBoard looks for, not to.
WITHOUT = (
    "import sys, types; sys.modules['tensorboard.compat.notf'] = types.ModuleType('notf');"
    " from tensorboard.main import run_main; run_main()"
)
# As users start it.
OWN = ("-m", "tensorboard.main")


def get(url: str, headers: dict[str, str] | None = None) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers; an HTTP error is a status like any other."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {})) as answer:
            return answer.status, answer.read(), dict(answer.headers)
    except urllib.error.HTTPError as e:
        return e.code, e.read(), dict(e.headers)


@contextmanager
def tensorboard(
    logdir: Path | str | None, *flags: str, load_fast: bool = True, prefix: str = "",
    environment: dict[str, str] | None = None, seconds: float = 60,
    program: Sequence[str] = (),
) -> Iterator[str]:  # fmt: skip
    """Start TensorBoard; yields its URL once it has read the log.

    program: what Python runs in place of TensorBoard's own.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    start = ["-c", WITHOUT] if load_fast else OWN
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


def _runs(logdir: Path | str | None) -> set[str]:
    """The runs that hold records of ours."""
    files = [] if logdir is None else Path(logdir).rglob("*tfevents*")
    return {
        each.parent.relative_to(logdir).as_posix()
        for each in files
        if b"picasso" in each.read_bytes()
    }


def _wait(process: subprocess.Popen, url: str, runs: set[str], seconds: float) -> None:
    end = time.monotonic() + seconds
    last, missing = None, runs
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"TensorBoard ended: {process.stdout.read()}")
        try:
            status, body, _ = get(f"{url}data/plugin/picasso/index")
        except OSError:
            status, body = 0, b""
        # Twice the same answer with all runs in it: the log is read.
        if status == 200 and b'"probes"' in body and body == last:
            missing = runs - {each["name"] for each in json.loads(body)["runs"]}
            if not missing:
                return
        last = body
        time.sleep(0.4)
    raise RuntimeError(
        f"TensorBoard does not show {sorted(missing) or 'a probe'} after {seconds} s"
    )
