"""Three data sets of three classes, small pictures in colour: digits, drawn scenes, animals cut out of photographs."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Random = np.random.Generator
ROOT = Path(__file__).parents[2]
CLASSES = 3
TRAINING, HELD_OUT = 1200, 300

PACKAGE = "tuxpaint-stamps-default"
STAMPS = "usr/share/tuxpaint/stamps/animals"
# By class, folders of the package; every third photograph is held out.
ANIMALS = {
    "bird": ["birds"],
    "sea": ["fish", "mammals/aquatic"],
    "legs": [f"mammals{each}" for each in ("", "/bovines", "/cats", "/deer", "/dogs", "/equines")],
}


class MissingError(Exception):
    """What a data set needs cannot be had here."""


@dataclass(frozen=True)
class Pictures:
    """Pictures without any cue.

    images: (n, side, side, 3), 0 to 1. labels: (n,). objects: bool (n, side, side), true on what
    is to be told apart.
    """

    images: Floats
    labels: NDArray[np.int64]
    objects: NDArray[np.bool_]

    def take(self, chosen: Any) -> "Pictures":
        """Some of them."""
        return Pictures(self.images[chosen], self.labels[chosen], self.objects[chosen])


@dataclass(frozen=True)
class Set:
    """Pictures to train on, and others to ask about."""

    class_names: Sequence[str]
    training: Pictures
    held_out: Pictures


def digits(cache: Path) -> Set:
    """3, 5 and 8 of MNIST, light on a ground of any shade, 28×28."""
    sys.path.insert(0, str(ROOT / "demo"))
    import common

    random = np.random.default_rng(0)
    parts = []
    for (images, digit), most in zip(common.digits(), (TRAINING, HELD_OUT), strict=True):
        chosen = np.flatnonzero(np.isin(digit, (3, 5, 8)))[:most]
        ink = images[chosen]
        labels = np.searchsorted((3, 5, 8), digit[chosen])
        ground = _shades(random, len(ink), 0.15, 0.45)
        light = _shades(random, len(ink), 0.7, 0.95)
        noise = random.normal(0, 0.03, (*ink.shape[:3], 3))
        drawn = (ground + (light - ground) * ink + noise).clip(0, 1).astype(np.float32)
        parts.append(Pictures(drawn, labels, ink[..., 0] > 0.2))
    return Set(("3", "5", "8"), *parts)


def _shades(random: Random, count: int, low: float, high: float) -> NDArray[Any]:
    """Greys that are a little coloured, (count, 1, 1, 3)."""
    return random.uniform(low, high, (count, 1, 1, 1)) + random.normal(0, 0.03, (count, 1, 1, 3))


def scenes(cache: Path) -> Set:
    """A tank, a truck or a hut between trees, in any light, 32×32."""
    names = ("tank", "truck", "hut")
    parts = [
        _made(Random(np.random.PCG64(seed)), count, _scene)
        for seed, count in ((1, TRAINING), (2, HELD_OUT))
    ]
    return Set(names, *parts)


def _made(
    random: Random, count: int, draw: Callable[[Random, int], tuple[NDArray[Any], NDArray[Any]]]
) -> Pictures:
    labels = np.arange(count) % CLASSES
    images, objects = zip(*(draw(random, int(label)) for label in labels), strict=True)
    return Pictures(np.stack(images).astype(np.float32), labels, np.stack(objects))


def _scene(random: Random, label: int) -> tuple[NDArray[Any], NDArray[Any]]:
    y, x = np.mgrid[0:32, 0:32] / 31
    light, cloudy = random.uniform(0.65, 1.05), random.random()
    horizon = random.uniform(0.25, 0.42)
    sky = np.array([0.35, 0.55, 0.85]) * (1 - cloudy) + np.array([0.66, 0.68, 0.70]) * cloudy
    image = sky + 0.25 * (y / horizon).clip(0, 1)[..., None]
    ground = np.array([0.38, 0.42, 0.20]) * random.uniform(0.8, 1.2)
    image = np.where((y > horizon)[..., None], ground * (0.8 + 0.4 * y[..., None]), image)
    for _ in range(random.integers(3, 7)):
        foot, tall, at = (
            horizon + random.uniform(0, 0.2),
            random.uniform(0.15, 0.35),
            random.random(),
        )
        up = (foot - y) / tall
        fir = (up > 0) & (up < 1) & (abs(x - at) < 0.25 * tall * (1 - up))
        image[fir] = np.array([0.12, 0.26, 0.12]) * random.uniform(0.8, 1.3)
    size = random.uniform(0.17, 0.24)
    across = (x - random.uniform(0.3, 0.7)) / size * random.choice([-1, 1])
    down = (y - random.uniform(horizon + 0.2, 0.82)) / size
    parts = _SHAPES[label](across, down)
    colour = random.uniform(0.25, 0.6, 3)
    for part, bright in parts:
        image[part] = colour * bright
    thing = np.any([part for part, _ in parts], 0)
    return (image * light + random.normal(0, 0.02, image.shape)).clip(0, 1), thing


def _tank(across: NDArray[Any], down: NDArray[Any]) -> list[tuple[NDArray[Any], float]]:
    return [
        ((abs(across) < 1) & (down > 0) & (down < 0.55), 0.6),
        ((abs(across) < 0.95) & (abs(down) < 0.22), 1),
        ((abs(across + 0.1) < 0.45) & (down > -0.7) & (down <= -0.2), 1.15),
        ((across > 0.2) & (across < 1.5) & (abs(down + 0.45) < 0.13), 0.8),
    ]


def _truck(across: NDArray[Any], down: NDArray[Any]) -> list[tuple[NDArray[Any], float]]:
    wheels = [(across - at) ** 2 + (down - 0.4) ** 2 < 0.06 for at in (-0.6, 0.6)]
    return [
        ((across > -1) & (across < 0.45) & (down > -0.8) & (down < 0.3), 1.1),
        ((across >= 0.45) & (across < 1) & (down > -0.3) & (down < 0.3), 0.8),
        (wheels[0] | wheels[1], 0.3),
    ]


def _hut(across: NDArray[Any], down: NDArray[Any]) -> list[tuple[NDArray[Any], float]]:
    return [
        ((abs(across) < 0.7) & (down > -0.2) & (down < 0.6), 1),
        ((abs(across) < 0.9 + down * 0.9 + 0.25) & (down > -1.1) & (down <= -0.2), 0.65),
        ((abs(across) < 0.2) & (down > 0.05) & (down < 0.6), 0.4),
    ]


_SHAPES = (_tank, _truck, _hut)


def animals(cache: Path) -> Set:
    """Birds, animals of the sea and those on legs, of Debian's stamps for Tux Paint, on textures, 32×32.

    Raises:
      MissingError: the package cannot be had.
    """
    folder = _unpacked(cache)
    stamps = [
        sorted(path for part in parts for path in (folder / part).glob("*.png"))
        for parts in ANIMALS.values()
    ]
    cut = [[_stamp(path) for path in paths] for paths in stamps]
    parts = [
        _made(
            Random(np.random.PCG64(seed)),
            count,
            lambda random, label, third=third: _pasted(
                random, [each for at, each in enumerate(cut[label]) if (at % 3 == 2) == third]
            ),
        )
        for seed, count, third in ((3, TRAINING, False), (4, HELD_OUT, True))
    ]
    return Set(tuple(ANIMALS), *parts)


def _unpacked(cache: Path) -> Path:
    folder = cache / "stamps"
    if not (folder / STAMPS).is_dir():
        if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
            raise MissingError(f"Debian's package {PACKAGE} needs apt-get and dpkg-deb")
        folder.mkdir(parents=True, exist_ok=True)
        for command in (["apt-get", "download", PACKAGE], ["dpkg-deb", "-x"]):
            if command[0] == "dpkg-deb":
                command += [str(next(folder.glob("*.deb"))), "."]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            if done.returncode:
                raise MissingError(f"Debian's package {PACKAGE}: {done.stderr.strip()}")
    return folder / STAMPS


def _stamp(path: Path) -> NDArray[Any]:
    """An animal with its alpha, 0 to 1, as large as it is in the picture: its longer side 26."""
    from PIL import Image

    image = Image.open(path).convert("RGBA")
    image = image.crop(image.getchannel("A").getbbox())
    scale = 26 / max(image.size)
    size = [max(4, round(side * scale)) for side in image.size]
    return np.asarray(image.resize(size, Image.Resampling.BOX), np.float64) / 255


def _pasted(random: Random, stamps: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], NDArray[Any]]:
    stamp = stamps[random.integers(len(stamps))]
    if random.random() < 0.5:
        stamp = stamp[:, ::-1]
    image, thing = _ground(random), np.zeros((32, 32), bool)
    top, left = (random.integers(0, 33 - side) for side in stamp.shape[:2])
    place = np.s_[top : top + stamp.shape[0], left : left + stamp.shape[1]]
    alpha = stamp[..., 3:]
    image[place] = image[place] * (1 - alpha) + stamp[..., :3] * random.uniform(0.8, 1.1) * alpha
    thing[place] = alpha[..., 0] > 0.5
    return image.clip(0, 1), thing


def _ground(random: Random) -> NDArray[Any]:
    """Noise of some coarseness, in two colours."""
    coarse = int(random.choice([1, 2, 4, 8]))
    noise = random.random((32 // coarse, 32 // coarse)).repeat(coarse, 0).repeat(coarse, 1)
    one = random.uniform(0.2, 0.8, 3)
    return one + (random.normal(0, 0.12, 3)) * noise[..., None]


ALL: dict[str, Callable[[Path], Set]] = {
    "digits": digits,
    "scenes": scenes,
    "animals": animals,
}
