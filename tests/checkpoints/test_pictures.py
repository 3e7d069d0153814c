"""Files that are no pictures, or worse: one line names each, and nothing else happens."""

import argparse
import os
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from tensorboard_picasso.checkpoints import settings
from tensorboard_picasso.checkpoints.pictures import probe as of_folder
from tensorboard_picasso.summary import Probe
from tensorboard_picasso.summary.kit import pictures

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\nnewpath showpage\n%%EOF\n"


def png(side: int) -> bytes:
    """A PNG that declares so many pixels a side, and holds as many zeros."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data).to_bytes(4, "big")
        return len(data).to_bytes(4, "big") + kind + data + crc

    head = side.to_bytes(4, "big") * 2 + b"\x01\x00\x00\x00\x00"
    body = zlib.compress(bytes(side * (1 + side // 8)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def picture(kind: str, value: int = 9) -> bytes:
    stream = BytesIO()
    Image.new("RGB", (6, 6), (value, value, value)).save(stream, kind)
    return stream.getvalue()


@pytest.fixture
def hostile(tmp_path):
    """A folder of what nobody wants; each name with what is said of it."""
    (tmp_path / "eps.png").write_bytes(EPS)
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "empty.gif").write_bytes(b"")
    (tmp_path / "bomb.png").write_bytes(png(30_000))
    (tmp_path / "wide.png").write_bytes(png(9_000))
    (tmp_path / "cut.png").write_bytes(picture("PNG")[:45])
    (tmp_path / "cut.jpg").write_bytes(picture("JPEG")[:300])
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "link.png").symlink_to("nowhere")
    (tmp_path / "folder.png").mkdir()
    return tmp_path, {
        "eps.png": "no picture", "text.jpg": "no picture", "empty.gif": "no picture",
        "bomb.png": "pixels", "wide.png": "9000×9000 pixels are more than a record holds",
        "cut.png": "", "cut.jpg": "", "pipe.png": "no file", "link.png": "No such file",
        "folder.png": "no file",
    }  # fmt: skip


def test_each_is_named_and_nothing_is_run_or_waited_for(hostile, monkeypatch):
    def ran(*words, **more):
        raise AssertionError("a program is run")

    monkeypatch.setattr("subprocess.check_call", ran)
    monkeypatch.setattr("subprocess.Popen", ran)
    folder, said = hostile
    for name, reason in said.items():
        with pytest.raises(pictures.PictureError) as e:
            pictures.opened(folder / name)
        assert name in str(e.value)
        assert reason in str(e.value)
        with pytest.raises(ValueError, match="image cannot be read: .*" + name):
            Probe("p", [folder / name], value_range=(0, 255))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"])
def test_pictures_of_each_format_are_read_whatever_they_are_called(tmp_path, kind):
    path = tmp_path / "picture.png"
    path.write_bytes(picture(kind))
    assert np.asarray(pictures.opened(path).convert("RGB")).mean() == 9


def test_a_folder_of_images_goes_on_with_the_others(hostile, tmp_path_factory, capfd):
    folder, said = hostile
    with open(os.fsencode(folder) + b"/caf\xe9.png", "wb") as file:
        file.write(picture("PNG"))
    parser = argparse.ArgumentParser()
    settings.add_options(parser)
    elsewhere = str(tmp_path_factory.mktemp("training"))
    options = ["--checkpoints", elsewhere, "--logdir", elsewhere, "--images", str(folder)]
    probe, _ = of_folder(settings.parse(parser.parse_args(options)))
    assert probe.names == ("caf\\xe9.png",)
    told = capfd.readouterr().err
    for name in said:
        if name != "folder.png":  # a folder is one of a class, and this one is empty
            assert f"{name}: " in told
    assert told.count("left out") == len(said) - 1
