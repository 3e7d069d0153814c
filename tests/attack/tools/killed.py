"""Trainings to be killed, forked from a process that has everything loaded.

`python -m tests.attack.tools.killed OUT TRIALS KIND…`: each training says on a pipe which steps were
accepted and which were flushed, is killed at a moment of chance, and goes on in a second process.
"""

import argparse
import json
import os
import random
import select
import signal
import sys
import time
from pathlib import Path

from tensorboard_picasso import summary
from tests.attack.tools import kinds

# Steps after the kill.
RESUMED = 2


def train(kind, directory, first, count, pipe):
    """Log so many steps, and say so after each; a third of them are waited for."""
    opened = kinds.KINDS[kind](directory)
    for step in range(first, first + count):
        if kinds.log(opened.writer, step):
            os.write(pipe, b"a %d\n" % step)
        if step % 3 == 0 or kind == "tensorflow":
            summary.flush()
            os.write(pipe, b"f %d\n" % step)
    opened.close()
    os.write(pipe, b"f %d\n" % (first + count - 1))


def forked(kind, directory, first, count):
    """Such a training in a process of its own: its id, and the pipe that it speaks on."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        status = 1
        try:
            os.close(reading)
            devnull = os.open(os.devnull, os.O_WRONLY)
            os.dup2(devnull, 2)
            train(kind, directory, first, count, writing)
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    return process, reading


def said(reading, until):
    """What a training says up to a moment, or to its end where there is none."""
    data = b""
    while until is None or (left := until - time.monotonic()) > 0:
        if until is not None and not select.select([reading], [], [], left)[0]:
            break
        more = os.read(reading, 1 << 16)
        if not more:
            break
        data += more
    return data


def trial(kind, directory, chance):
    """Train, kill, train on."""
    process, reading = forked(kind, directory, 0, 10_000)
    data = b""
    while b"a" not in data:  # begun
        data += os.read(reading, 1)
    data += said(reading, time.monotonic() + chance.uniform(0, 0.12))
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    data += said(reading, None)
    os.close(reading)
    lines = [line.split() for line in data.decode().splitlines(keepends=True) if line[-1] == "\n"]
    answer = {
        "kind": kind,
        "accepted": [int(step) for what, step in lines if what == "a"],
        "flushed": max((int(step) for what, step in lines if what == "f"), default=-1),
    }
    if kind == "tensorboardX":  # its files are named by the second, and opened anew
        time.sleep(1.001 - time.time() % 1)
    first = max(answer["accepted"]) + 10
    process, reading = forked(kind, directory, first, RESUMED)
    said(reading, None)
    os.close(reading)
    _, status = os.waitpid(process, 0)
    assert status == 0, (kind, directory)
    return {**answer, "resumed": list(range(first, first + RESUMED))}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("trials", type=int)
    parser.add_argument("kinds", nargs="+")
    given = parser.parse_args()
    for kind in given.kinds:
        kinds.KINDS[kind].load()
    for number in range(given.trials):
        for kind in given.kinds:
            folder = given.out / f"{kind} {number}"
            answer = trial(kind, str(folder), random.Random(f"{number} {kind}"))
            (folder / "said.json").write_text(json.dumps(answer))


if __name__ == "__main__":
    main()
    sys.stdout.flush()
