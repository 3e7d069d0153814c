"""Pictures of a folder as a probe, with labels by folders; or the user's own probe."""

import csv
import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tensorboard_picasso.checkpoints import LogError, parts
from tensorboard_picasso.checkpoints.sample import Sample
from tensorboard_picasso.checkpoints.settings import Settings
from tensorboard_picasso.checkpoints.work import NamedFunction
from tensorboard_picasso.summary import Probe
from tensorboard_picasso.summary.kit import pictures, report
from tensorboard_picasso.summary.kit.images import Array

_MODES = {1: "L", 3: "RGB"}


def probe(settings: Settings) -> tuple[Probe, list[Path]]:
    """The probe that is explained at each checkpoint, and the file of each image of a folder.

    Raises:
      LogError: the folder holds no images, or labels and masks do not go with them; or the
        user's function returns no probe.
      ValueError, TypeError: as `Probe`.
    """
    if settings.images is None:
        return _own(NamedFunction(settings.probe or "", "--probe")), []
    return _of_folder(settings, settings.images)


def sample(settings: Settings, of: Probe) -> Sample | None:
    """What is edited at each checkpoint; None: nothing.

    Args:
      settings: with `--edited`.
      of: the probe that is explained, which is edited where nothing else is said, or where
        there are no more images.

    Raises:
      LogError: as `probe`; or what is edited is called as what is explained, and is not the same.
    """
    if settings.edited is None:
        return None
    made = of
    if isinstance(settings.edited, str):
        made = _own(NamedFunction(settings.edited, "--edited"))
    elif settings.edited and settings.images is not None:
        name = f"{of.name} sample"
        wider = replace(settings, max_images=settings.edited, name=name)
        made, _ = _of_folder(wider, settings.images, told=False)
    if made.hashes == of.hashes:
        made = of
    elif made.name == of.name:
        raise LogError(
            f'--edited {settings.edited} returns other images, called "{made.name}" as those that'
            " are explained: give its probe another name"
        )
    return Sample(made, settings.edits)


def _own(make: NamedFunction) -> Probe:
    try:
        made = make()
    except LogError:
        raise
    except Exception as e:  # whatever the user's code raises
        raise LogError(f"{make.option} {make.word}: {report.reason(e)}") from e
    if not isinstance(made, Probe):
        raise LogError(f"{make.option} {make.word} returns {type(made).__name__}: return a Probe")
    return made


def _of_folder(settings: Settings, root: Path, told: bool = True) -> tuple[Probe, list[Path]]:
    classes, files = _classes(root)
    known = _by_file(settings.labels, root) if settings.labels else {}
    names = () if known else tuple(classes)
    if settings.class_names:
        names = lines(settings.class_names)
    labels: list[list[str]] | None = None
    read = _all(chosen(files, settings.max_images, told), settings)
    if not read:
        raise LogError(f"--images {root}: none of the images can be read")
    kept = list(read)
    if known or classes:
        of = [each.relative_to(root).as_posix() for each in kept]
        if known and (missing := [name for name in of if name not in known]):
            raise LogError(f"--labels {settings.labels}: none for {missing[0]}")
        labels = [known[name] if known else [pictures.named(Path(name).parts[0])] for name in of]
    pixels = list(read.values())
    name = settings.name or root.resolve().name
    made = Probe(
        name,
        pixels,
        labels=labels and _labels(labels, names),
        class_names=names or None,
        names=[pictures.named(each.name) for each in kept],
        regions=parts.regions(settings.regions, root, kept) if settings.regions else None,
        preprocess=NamedFunction(settings.preprocess, "--preprocess")
        if settings.preprocess
        else None,
        value_range=settings.value_range,
        normalized=settings.normalized,
        max_images=len(pixels),
        targets=[class_of(each, names) for each in settings.targets],
        output=settings.output,
    )
    return made, kept


def _classes(root: Path) -> tuple[list[str], list[list[Path]]]:
    """Names of class folders, and the files of each; without such folders the files at once."""
    if not root.is_dir():
        raise LogError(f"--images {root}: no such directory")
    flat = pictures.within(root)
    folders = {
        pictures.named(folder.name): pictures.within(folder)
        for folder in sorted(root.iterdir())
        if folder.is_dir()
    }
    folders = {name: files for name, files in folders.items() if files}
    if flat and folders:
        raise LogError(
            f"--images {root}: images lie beside the folders {', '.join(folders)}: put all into"
            " folders named for their classes, or none"
        )
    if not flat and not folders:
        raise LogError(f"--images {root}: no images ({', '.join(pictures.SUFFIXES)})")
    return list(folders), [flat] if flat else list(folders.values())


def chosen(files: Sequence[Sequence[Path]], most: int, told: bool) -> list[Path]:
    """Up to so many, one of each class in turn, in the order of their names; others are told of."""
    count = sum(map(len, files))
    if told and count > most:
        report.tell(
            "max images",
            f"{most} of {count} images are explained; --max-images {count} takes all",
        )
    turns = itertools.chain.from_iterable(itertools.zip_longest(*files))
    return sorted(itertools.islice((each for each in turns if each is not None), most))


def _all(paths: Sequence[Path], settings: Settings) -> dict[Path, Array]:
    """The images that can be read; of each other one a line says why not."""
    by_path = {}
    for path in paths:
        try:
            by_path[path] = _read(path, settings)
        except pictures.PictureError as e:
            report.tell(f"picture {path!r}", f"{e}: left out")
    return by_path


def _read(path: Path, settings: Settings) -> Array:
    """An image as the model or `--preprocess` is given it: float32, channels last."""
    image = pictures.opened(path)
    if image.mode.startswith(("I", "F")):
        raise LogError(f"{path}: {image.mode} pixels: convert it to 8 bits a channel")
    return values(
        image.convert(mode(image, settings.channels)), settings.value_range, settings.normalized
    )


def mode(image: Image.Image, channels: int | None) -> str:
    """Grey or RGB, as asked for, else as the picture has it."""
    grey = image.mode in ("1", "L")
    return _MODES[channels] if channels else "L" if grey else "RGB"


def values(
    image: Image.Image,
    value_range: tuple[float, float] | None,
    normalized: tuple[Any, Any] | None,
) -> Array:
    """A picture, grey or RGB, as `--value-range` and `--normalized` say: float32, channels last."""
    pixels = np.asarray(image, np.float64)
    low, high = value_range or (0.0, 1.0)
    made = low + pixels.reshape(*pixels.shape[:2], -1) * (high - low) / 255
    if normalized is not None:
        mean, std = map(np.asarray, normalized)
        made = (made - mean) / std
    return made.astype(np.float32)


def lines(path: Path) -> tuple[str, ...]:
    """The lines of a file that hold something."""
    return tuple(each for each in _text(path).splitlines() if each.strip())


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise LogError(f"{path}: {e.strerror if isinstance(e, OSError) else e}") from e


def _by_file(path: Path, root: Path) -> dict[str, list[str]]:
    """Classes by the path of each image within its folder, from lines `path,class`.

    Where any number is true, `path,class,class` and, for none, `path,`.
    """
    classes = {}
    for number, row in enumerate(csv.reader(_text(path).splitlines()), 1):
        if not row:
            continue
        if len(row) < 2:
            raise LogError(f"--labels {path}: line {number} is no image,class")
        classes[row[0].strip()] = [each.strip() for each in row[1:] if each.strip()]
    return classes


def _labels(given: Sequence[Sequence[str]], names: Sequence[str]) -> list[Any]:
    """One class an image; where any image has several or none, a set of each."""
    classes = [[class_of(word, names) for word in words] for words in given]
    if all(len(each) == 1 for each in classes):
        return [only for (only,) in classes]
    return list(map(set, classes))


def class_of(word: str, names: Sequence[str]) -> int | str:
    """A class's index by its name, else by its index; a word that is neither as it is."""
    if names.count(word) == 1:
        return names.index(word)
    return int(word) if word.isdigit() else word
