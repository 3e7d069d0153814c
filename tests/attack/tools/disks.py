"""Disks that fail and are mended, in a process of their own: `python -m tests.attack.tools.disks`.

A disk is a tmpfs of 1 MB in a mount namespace of the process, where the machine allows one.
Everywhere the size of files is limited too, as by a quota, and the number of open ones.
"""

import argparse
import contextlib
import ctypes
import io
import itertools
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import warnings
from pathlib import Path

from tensorboard_picasso import summary
from tests.attack.tools import kinds

ROOT = Path(__file__).parents[3]
# A mount namespace of its own: as root, and as a user where the machine lets users make them.
NAMESPACES = [["unshare", "-m"], ["unshare", "-rm"]]
MOUNTS = 'mount -t tmpfs -o size=1m none "$0" && echo mounted'


def namespace():
    """What runs a command so that it can mount disks; none where the machine allows none."""
    for command in NAMESPACES:
        with tempfile.TemporaryDirectory() as folder, contextlib.suppress(OSError):
            done = subprocess.run([*command, "sh", "-c", MOUNTS, folder], capture_output=True)
            if b"mounted" in done.stdout:
                return command
    return []


def start(names, out, trials, seed=0):
    """Run so many trials of kinds of writers: a process."""
    prefix = namespace()
    command = [
        *prefix,
        sys.executable,
        "-m",
        "tests.attack.tools.disks",
        str(out),
        str(trials),
        *names,
    ]
    command += ["--seed", str(seed), *["--mount"] * bool(prefix)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True,
    )  # fmt: skip


def finished(process):
    """Wait for it; raises what it said where it failed."""
    output, _ = process.communicate()
    assert process.returncode == 0, output[-4000:]


def results(out):
    """What each trial did and was told, by the folder of its log."""
    return {each.parent: json.loads(each.read_text()) for each in sorted(out.glob("*/said.json"))}


class Disk:
    """A folder of a trial; the log is in `run`. The worst of trials are every third."""

    mounted = False

    def __init__(self, folder, worst):
        self.folder, self.worst = folder, worst
        self.folder.mkdir()
        self.run = folder / "run"

    def harm(self, chance):
        """What the disk suffers."""

    def mend(self):
        """Its end."""

    def close(self):
        """Let go of it."""


class Full(Disk):
    """A tmpfs that has no room left, or little."""

    mounted = True

    def __init__(self, folder, worst):
        super().__init__(folder, worst)
        self._call("mount", b"none", bytes(folder), b"tmpfs", 0, b"size=1m")

    def _call(self, name, *arguments):
        libc = ctypes.CDLL(None, use_errno=True)
        if getattr(libc, name)(*arguments):
            raise OSError(ctypes.get_errno(), name)

    def harm(self, chance):
        left = (
            0 if self.worst else chance.choice([chance.randrange(9000), chance.randrange(220_000)])
        )
        free = os.statvfs(self.folder)
        with contextlib.suppress(OSError), open(self.folder / "filler", "wb", 0) as file:
            file.write(bytes(max(free.f_bavail * free.f_frsize - left, 0)))

    def mend(self):
        (self.folder / "filler").unlink()

    def close(self):
        self._call("umount2", bytes(self.folder), 2)  # also where a writer keeps a file open


class Limited(Disk):
    """No file may grow beyond a limit, which is that of the log or less."""

    def harm(self, chance):
        most = max((each.stat().st_size for each in self.folder.rglob("*tfevents*")), default=0)
        limit = min(most, 4096) + chance.randrange(4096)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    def mend(self):
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)


class Descriptors(Disk):
    """The process may open no file more."""

    def harm(self, chance):
        self._limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        with open(os.devnull) as file:
            resource.setrlimit(resource.RLIMIT_NOFILE, (file.fileno(), self._limits[1]))

    def mend(self):
        resource.setrlimit(resource.RLIMIT_NOFILE, self._limits)


class Removed(Disk):
    """The log directory is removed."""

    def harm(self, chance):
        shutil.rmtree(self.run)


class Replaced(Removed):
    """The log directory is replaced by a file, for some time."""

    def harm(self, chance):
        super().harm(chance)
        self.run.touch()

    def mend(self):
        self.run.unlink()


DISKS = {each.__name__: each for each in (Full, Limited, Descriptors, Removed, Replaced)}


def trial(kind, disk, chance):
    """Log, harm the disk, log, mend it, log."""
    opened = kinds.KINDS[kind](str(disk.run))
    before, during, after = chance.randint(0, 3), chance.randint(1, 6), chance.randint(1, 4)
    if disk.worst:
        before, during = max(before, 1), max(during, 4)
    mine = chance.random() < 0.5
    answers = {}
    for step in range(before + during + after):
        if step == before:
            summary.flush()
            if isinstance(disk, Removed):
                disk.run.mkdir(exist_ok=True)  # a directory that is logged to is made when needed
            disk.harm(chance)
        if step == before + during:
            disk.mend()
        # Three in all: what tensorboardX has a thread for waits for it forever once that is dead.
        if mine and before <= step < before + min(during, 3):
            with contextlib.suppress(Exception):
                opened.own(step)
        answers[step] = bool(kinds.log(opened.writer, step))
    summary.flush()
    with contextlib.suppress(Exception):  # PyTorch's raises once it is dead
        opened.close()
    return {"answers": answers, "parts": [before, during, after], "mine": mine}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("trials", type=int)
    parser.add_argument("kinds", nargs="+")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mount", action="store_true")
    given = parser.parse_args()
    threading.excepthook = lambda *_: None  # one that a full disk ends says so
    with tempfile.TemporaryDirectory() as folder:
        for number in range(given.seed, given.seed + given.trials):
            for kind, (name, made) in itertools.product(given.kinds, DISKS.items()):
                if made.mounted and not given.mount:
                    continue
                disk = made(Path(folder) / f"{kind} {name} {number}", number % 3 == 0)
                told = io.StringIO()
                with warnings.catch_warnings(record=True) as warned:
                    warnings.simplefilter("always")
                    with contextlib.redirect_stderr(told):
                        said = trial(kind, disk, random.Random(f"{number} {kind} {name}"))
                said |= {"kind": kind, "disk": name, "told": told.getvalue().splitlines()}
                said["warned"] = [str(each.message) for each in warned]
                out = given.out / disk.folder.name
                out.mkdir()
                if disk.run.exists():
                    shutil.copytree(disk.run, out, dirs_exist_ok=True)
                (out / "said.json").write_text(json.dumps(said))
                disk.close()


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    # Without its end: tensorboardX waits there for a queue that nobody empties.
    os._exit(0)
