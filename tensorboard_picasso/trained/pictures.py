"""Which pictures are meant, and how each is opened: upright, and brought to a size."""

import glob
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image, ImageOps

from tensorboard_picasso.checkpoints.pictures import chosen
from tensorboard_picasso.summary.kit import pictures, report
from tensorboard_picasso.summary.kit.images import Array
from tensorboard_picasso.summary.kit.pictures import PictureError
from tensorboard_picasso.trained import ModelError


def found(words: Sequence[str]) -> dict[Path, str]:
    """The files that are meant, each once, and in which folder of those that were given it lies.

    Args:
      words: folders, in which is looked at any depth, files, and patterns.

    Returns:
      For each file the name of the folder that holds it; "" where that was given itself.

    Raises:
      ModelError: one of them is nothing, or there is no picture at all.
    """
    files: dict[Path, str] = {}
    for word in words:
        path = Path(word)
        if path.is_dir():
            new = _within(path)
        elif path.exists():
            new = {path: ""}
        else:
            matches = [Path(each) for each in sorted(glob.glob(word, recursive=True))]
            if not matches:
                raise ModelError(f"--images {pictures.named(word)}: no such file or folder")
            new = {each: "" for each in matches if not each.is_dir() and _is_named_so(each)}
        files |= {path: folder for path, folder in new.items() if path not in files}
    if not files:
        raise ModelError(f"--images {' '.join(words)}: no images ({', '.join(pictures.SUFFIXES)})")
    return files


def _within(root: Path) -> dict[Path, str]:
    files = sorted(each for each in root.rglob("*") if _is_named_so(each) and not each.is_dir())
    return {each: "" if each.parent == root else each.parent.name for each in files}


def _is_named_so(path: Path) -> bool:
    return path.suffix.lower() in pictures.SUFFIXES


def some(files: dict[Path, str], most: int) -> list[Path]:
    """Up to so many of the files, in their order, evenly over their folders; of others is told."""
    by_folder: dict[Path, list[Path]] = {}
    for each in files:
        by_folder.setdefault(each.parent, []).append(each)
    kept = set(chosen([*by_folder.values()], most, told=True))
    return [each for each in files if each in kept]


def read(paths: Sequence[Path], given: Callable[[Image.Image], Array]) -> dict[Path, Array]:
    """What a model is given of each picture that can be read; of the others a line says why not.

    Raises:
      ModelError: none can be read.
      Exception: as `given`.
    """
    made = {}
    for path in paths:
        try:
            made[path] = given(_upright(path))
        except PictureError as e:
            report.tell(f"picture {path!r}", f"{e}: left out")
    if not made:
        raise ModelError(f"--images {pictures.named(paths[0].parent)}: none can be read")
    return made


def _upright(path: Path) -> Image.Image:
    """A picture as people see it: turned as its camera says."""
    image = pictures.opened(path)
    if image.mode.startswith(("I", "F")):
        name = pictures.named(path)
        raise PictureError(f"{name}: {image.mode} pixels, and those of 8 bits a channel are read")
    try:
        return ImageOps.exif_transpose(image)
    except Exception as e:  # whatever Pillow raises of damaged notes; the pixels are there
        report.tell(f"turned {path!r}", f"{pictures.named(path)}: not turned upright: {e}")
        return image


def fitted(image: Image.Image, height: int, width: int) -> Image.Image:
    """The largest part about the middle that has the wanted proportions, at that size."""
    scale = min(image.width / width, image.height / height)
    across, down = min(width * scale, image.width), min(height * scale, image.height)
    left, top = (image.width - across) / 2, (image.height - down) / 2
    box = (left, top, left + across, top + down)
    return image.resize((width, height), Image.Resampling.BILINEAR, box)
