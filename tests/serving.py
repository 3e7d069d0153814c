"""A real TensorBoard process for tests."""

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
) -> Iterator[str]:  # fmt: skip
    """Start TensorBoard; yields its URL once it has read the log."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "tensorboard.main", "--port", str(port), "--host", "127.0.0.1"]
    command += ["--load_fast", str(load_fast).lower(), "--reload_interval", "1", *flags]
    if logdir is not None:
        command += ["--logdir", str(logdir)]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    url = f"http://127.0.0.1:{port}{prefix}/"
    try:
        _wait(process, url, seconds)
        yield url
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _wait(process: subprocess.Popen, url: str, seconds: float) -> None:
    end = time.monotonic() + seconds
    last = None
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"TensorBoard ended: {process.stdout.read()}")
        try:
            status, body, _ = get(f"{url}data/plugin/picasso/index")
        except OSError:
            status, body = 0, b""
        # Twice the same answer with runs in it: the log is read.
        if status == 200 and b'"probes"' in body and body == last:
            return
        last = body
        time.sleep(0.4)
    raise RuntimeError(f"TensorBoard shows no probe after {seconds} s")
