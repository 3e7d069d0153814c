"""Opens picture files: untrusted ones, of formats that a folder of images is expected to hold."""

import os
import stat
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from tensorboard_picasso.stored import record

# Not all that Pillow opens: an EPS, whatever its name, would be run as a program of Ghostscript's.
FORMATS = ("PNG", "JPEG", "MPO", "GIF", "WEBP", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF")
ENDINGS = ("PNG", "JPEG", "GIF", "WebP", "BMP", "TIFF")
SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff")


class PictureError(ValueError):
    """A file that is no picture, or cannot be read, with the reason."""


def within(folder: Path) -> list[Path]:
    """The files of a folder that are named as pictures are, in the order of their names."""
    files = (each for each in folder.iterdir() if each.suffix.lower() in SUFFIXES)
    return sorted(each for each in files if not each.is_dir())


def opened(path: str | os.PathLike[str]) -> Image.Image:
    """A picture, decoded; of several frames the first.

    Raises:
      PictureError: there is none, it is of another format, damaged or too large.
    """
    try:
        # A pipe that nobody writes to would be waited for.
        if not stat.S_ISREG(Path(path).stat().st_mode):
            raise PictureError(f"{named(path)}: no file")
        with Image.open(path, formats=_known()) as image:
            _check(path, image)
            image.load()
            return image
    except PictureError:
        raise
    except UnidentifiedImageError as e:
        raise PictureError(f"{named(path)}: no picture ({', '.join(ENDINGS)})") from e
    except OSError as e:
        raise PictureError(f"{named(path)}: {e.strerror or e}") from e
    except Image.DecompressionBombError as e:
        raise PictureError(f"{named(path)}: {e}") from e
    except (SyntaxError, ValueError, EOFError, IndexError, TypeError, OverflowError) as e:
        # What Pillow's readers raise of damaged files.
        raise PictureError(f"{named(path)}: it cannot be decoded: {e}") from e


def _check(path: str | os.PathLike[str], image: Image.Image) -> None:
    """Refuse what no record holds, before it is decoded."""
    height, width = image.height, image.width
    if max(height, width) > record.MAX_SIDE or height * width > record.MAX_PIXELS:
        raise PictureError(f"{named(path)}: {height}×{width} pixels are more than a record holds")


def _known() -> list[str]:
    Image.init()
    return [each for each in FORMATS if each in Image.OPEN]


def named(path: str | os.PathLike[str]) -> str:
    """A path for a message, also one that is not UTF-8."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
