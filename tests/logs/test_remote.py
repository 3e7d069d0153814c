"""Export of log directories that TensorBoard reads through a file system of its own."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tensorboard.compat.tensorflow_stub.io import gfile

from tensorboard_picasso.__main__ import main
from tensorboard_picasso.logs import remote
from tests.kit import logs

STEPS = [0, 10, 20, 30]


class InMemory:
    """A file system as TensorBoard takes them, of names to bytes; `held` are few bytes a read."""

    def __init__(self, files):
        self.files = files

    def join(self, path, *paths):
        return "/".join([path.rstrip("/"), *paths])

    def isdir(self, name):
        return any(each.startswith(name.rstrip("/") + "/") for each in self.files)

    def exists(self, name):
        return name in self.files or self.isdir(name)

    def listdir(self, name):
        if not self.isdir(name):
            raise FileNotFoundError(name)
        rest = [each.removeprefix(name.rstrip("/") + "/") for each in self.files
                if each.startswith(name.rstrip("/") + "/")]  # fmt: skip
        return sorted({each.partition("/")[0] for each in rest})

    def read(self, name, binary_mode=False, size=None, continue_from=None):
        assert binary_mode
        start = continue_from or 0
        data = self.files[name][start : None if size is None else start + size]
        return data, start + len(data)

    def stat(self, name):
        return gfile.StatData(len(self.files[name]))


@pytest.fixture
def held(tmp_path, monkeypatch):
    """A log directory that lies in a file system of another kind; the same one here."""
    here = tmp_path / "logs"
    logs.plausible(here / "a" / "nested run", 0, STEPS, 2, 14)
    logs.plausible(here / "b", 1, STEPS, 2, 14)
    files = {
        f"vault://bucket/logs/{each.relative_to(here).as_posix()}": each.read_bytes()
        for each in here.rglob("*")
        if each.is_file()
    }
    monkeypatch.setitem(gfile._REGISTERED_FILESYSTEMS, "vault", InMemory(files))
    # Files are read in more than one piece.
    monkeypatch.setattr(remote, "CHUNK", 1000)
    return here


@pytest.mark.parametrize("slash", ["", "/"])
def test_what_a_file_system_holds_is_exported_as_local_files_are(held, slash, tmp_path, capsys):
    assert main(["export", "--logdir", str(held)]) == 0
    listed = capsys.readouterr().out
    assert main(["export", "--logdir", f"vault://bucket/logs{slash}"]) == 0
    assert capsys.readouterr().out == listed
    made = []
    for logdir in (str(held), f"vault://bucket/logs{slash}"):
        out = tmp_path / "out.csv"
        what = [
            "--run",
            "a/nested run",
            "--tag",
            "digits/00/saliency",
            "--out",
            str(out),
            "--force",
        ]
        assert main(["export", "--logdir", logdir, *what]) == 0
        made.append(out.read_bytes())
    assert made[0] == made[1]
    assert [int(each["step"]) for each in csv.DictReader(made[0].decode().splitlines())] == STEPS


def test_what_is_damaged_is_named_by_its_own_name(held, capsys):
    files = gfile.get_filesystem("vault://bucket").files
    name = next(each for each in files if "/b/" in each)
    files[name] = files[name][:400] + bytes(50) + files[name][450:]
    main(["export", "--logdir", "vault://bucket/logs"])
    assert name in capsys.readouterr().err


@pytest.mark.parametrize("scheme", ["nowhere", "gs", "s3"])
def test_what_cannot_be_read_is_named_as_it_was_given(scheme, monkeypatch, capsys):
    monkeypatch.delitem(gfile._REGISTERED_FILESYSTEMS, scheme, raising=False)
    # Whatever is installed.
    for package in ("boto3", "botocore", "s3fs", "gcsfs"):
        monkeypatch.setitem(sys.modules, package, None)
    registry = sys.modules.get("fsspec.registry")
    if registry is not None:
        monkeypatch.delitem(registry._registry, scheme, raising=False)
    url = f"{scheme}://bucket/logs"
    assert main(["export", "--logdir", url]) == 2
    told = capsys.readouterr().err
    assert f"{url}: nothing here reads {scheme}://" in told
    assert "copy it to this machine" in told


# What is installed, in the place of the real package: it offers what TensorBoard calls of that one,
# on the folder HELD. A bucket is a folder in it.
BOTO3 = """
import io, os, pathlib
import botocore.exceptions
HELD = pathlib.Path(os.environ["HELD"])

class Client:
    def __init__(self, name, endpoint_url=None):
        assert name == "s3"

    def list_objects(self, Bucket, Prefix, Delimiter=""):
        root, keys, folders = HELD / Bucket, [], set()
        for each in sorted(root.rglob("*")):
            key = each.relative_to(root).as_posix()
            if each.is_file() and key.startswith(Prefix):
                inside, deeper, _ = key[len(Prefix):].partition(Delimiter or "//")
                if deeper:
                    folders.add(Prefix + inside + Delimiter)
                else:
                    keys.append({"Key": key})
        return {"Contents": keys, "CommonPrefixes": [{"Prefix": each} for each in sorted(folders)]}

    def get_paginator(self, name):
        assert name == "list_objects"
        return self

    def paginate(self, **words):
        yield self.list_objects(**words)

    def head_object(self, Bucket, Key):
        return {"ContentLength": (HELD / Bucket / Key).stat().st_size}

client = Client

class resource(Client):
    def Object(self, bucket, key):
        self.path = HELD / bucket / key
        return self

    def get(self, Range=None):
        data = self.path.read_bytes()
        if Range is not None:
            first, last = map(int, Range.removeprefix("bytes=").split("-"))
            if first >= len(data):
                raise botocore.exceptions.ClientError({"Error": {"Code": "InvalidRange"}}, "GetObject")
            data = data[first:last + 1]
        return {"Body": io.BytesIO(data)}
"""
BOTOCORE = """
class ClientError(Exception):
    def __init__(self, response, operation):
        self.response = response
"""
# fsspec's own for files, on that folder.
FSSPEC = """
import os
from fsspec.implementations.local import LocalFileSystem

class {name}(LocalFileSystem):
    protocol = "{scheme}"

    @classmethod
    def _strip_protocol(cls, path):
        return os.path.join(os.environ["HELD"], path.removeprefix("{scheme}://").rstrip("/"))
"""
INSTALLED = {
    "boto3": ("s3", {"boto3.py": BOTO3, "botocore/__init__.py": "", "botocore/exceptions.py": BOTOCORE}),
    "gcsfs": ("gs", {"gcsfs.py": FSSPEC.format(name="GCSFileSystem", scheme="gs")}),
    "the fsspec package of your storage": (
        "abfs", {"adlfs.py": FSSPEC.format(name="AzureBlobFileSystem", scheme="abfs")},
    ),
}  # fmt: skip
# The command, without what is installed but for these.
WITHOUT = """
import sys
for name in {"boto3", "botocore", "s3fs", "gcsfs", "adlfs"} - set(sys.argv.pop(1).split(",")):
    sys.modules[name] = None
from tensorboard_picasso.__main__ import main
sys.exit(main())
"""


@pytest.mark.parametrize("package", INSTALLED)
def test_what_is_said_to_be_installed_reads_it(tmp_path, package):
    scheme, files = INSTALLED[package]
    logs.plausible(tmp_path / "bucket" / "logs" / "a", 0, STEPS, 1, 8)
    for name, text in files.items():
        path = tmp_path / "installed" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    path = f"{Path(__file__).parents[2]}{os.pathsep}{tmp_path / 'installed'}"
    environment = {**os.environ, "HELD": str(tmp_path), "PYTHONPATH": path}
    url = f"{scheme}://bucket/logs"

    def command(*installed, logdir=url):
        words = ["export", "--logdir", logdir]
        return subprocess.run(
            [sys.executable, "-c", WITHOUT, ",".join(installed), *words],
            env=environment, capture_output=True, text=True,
        )  # fmt: skip

    done = command()
    assert done.returncode == 2
    assert f"{url}: nothing here reads {scheme}:// (" in done.stderr
    assert package in done.stderr
    installed = {Path(name).parts[0].removesuffix(".py") for name in files}
    done = command(*installed)
    assert done.returncode == 0, done.stderr
    assert "digits/00/occlusion" in done.stdout
    # Or copied to this machine.
    assert command(logdir=str(tmp_path / "bucket" / "logs")).stdout == done.stdout


def test_a_directory_that_is_not_there_or_fails_is_named_as_it_was_given(held, monkeypatch, capsys):
    assert main(["export", "--logdir", "vault://bucket/other"]) == 2
    assert "no directory vault://bucket/other" in capsys.readouterr().err

    def refused(*_, **__):
        raise PermissionError("no credentials")

    monkeypatch.setattr(InMemory, "isdir", refused)
    assert main(["export", "--logdir", "vault://bucket/logs"]) == 2
    assert "vault://bucket/logs: no credentials" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--checkpoints", "--images", "--logdir"])
def test_log_takes_local_paths_and_says_so(option, tmp_path, capsys):
    options = {
        "--checkpoints": str(tmp_path), "--images": str(tmp_path), "--logdir": str(tmp_path),
        option: "s3://bucket/what",
    }  # fmt: skip
    try:
        status = main(["log", *[word for pair in options.items() for word in pair]])
    except SystemExit as e:
        status = e.code
    assert status == 2
    told = capsys.readouterr().err
    assert "s3://bucket/what" in told
    assert "local" in told


@pytest.mark.parametrize(
    "words", [["export", "--logdir", "LOGS"], ["methods"], ["methods", "--markdown"], ["--help"],
              ["export", "--help"], ["log", "--checkpoints", "SAVED", "--images", ".", "--logdir",
               "L", "--list"],
              ["export", "--logdir", "LOGS", "--run", "b", "--tag", "digits/00/occlusion",
               "--format", "csv", "--out", "-"]],
)  # fmt: skip
@pytest.mark.parametrize("read", [0, 1])
def test_a_pipe_that_is_closed_is_no_error(held, tmp_path, words, read):
    saved = tmp_path / "saved"
    saved.mkdir()
    for step in range(3):
        (saved / f"step={step}.safetensors").write_bytes(b"")
    words = [str({"LOGS": held, "SAVED": saved}.get(each, each)) for each in words]
    run = subprocess.Popen(
        [sys.executable, "-m", "tensorboard_picasso", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    run.stdout.read(read)
    run.stdout.close()
    told = run.stderr.read().decode()
    assert "BrokenPipe" not in told
    assert "Traceback" not in told
    assert run.wait() in ((0, 1, 2) if words[0] == "log" else (0,))
