"""Files of pictures: PNG, GIF and WebP, and the formats in which a map is taken away."""

import enum
import io
import re
from collections.abc import Callable, Sequence
from typing import Any, Generic, Literal

import numpy as np
from PIL import Image

from tensorboard_picasso.export.drawable import Drawable, M
from tensorboard_picasso.export.picture import Look, Painter

# How long the last frame stays, so that the result can be looked at, ms.
HOLD = 2000
FPS = 10.0
# Colours of a GIF's frame for what is around the map.
AROUND = 56

Progress = Callable[[int, int], None]


class FileFormat(enum.StrEnum):
    """What a map over training can be taken away as."""

    PNG = "png"
    GIF = "gif"
    WEBP = "webp"
    NPZ = "npz"
    CSV = "csv"


Animated = Literal[FileFormat.GIF, FileFormat.WEBP]
TYPES = {
    FileFormat.PNG: "image/png",
    FileFormat.GIF: "image/gif",
    FileFormat.WEBP: "image/webp",
    FileFormat.NPZ: "application/octet-stream",
    FileFormat.CSV: "text/csv",
}


def file_name(words: Sequence[str], kind: FileFormat) -> str:
    """A name for the file that every system takes."""
    text = "-".join(words)
    return f"{re.sub('[^A-Za-z0-9._]+', '-', text).strip('-.')[:120] or 'map'}.{kind}"


def picture(shown: Drawable[M], look: Look) -> bytes:
    """The newest map as PNG."""
    stream = io.BytesIO()
    Painter(shown, look).paint(shown.drawn[-1]).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def animation(
    shown: Drawable[M],
    look: Look,
    kind: Animated,
    fps: float = FPS,
    progress: Progress = lambda done, total: None,
) -> bytes:
    """All maps as GIF or (lossless) WebP, a frame a step; the last one stays."""
    painter, moments = Painter(shown, look), shown.drawn
    indexed = _Indexed(painter)
    draw = indexed.paint if kind is FileFormat.GIF else painter.paint

    def frame(number: int) -> Image.Image:
        progress(number + 1, len(moments))
        return draw(moments[number])

    duration = round(1000 / fps)
    held = [duration] * (len(moments) - 1) + [max(duration, HOLD)]
    options: dict[str, Any] = {"save_all": True, "duration": held, "loop": 0}
    stream = io.BytesIO()
    if kind is FileFormat.GIF:
        rest = map(frame, range(1, len(moments)))
        frame(0).save(stream, "GIF", append_images=rest, disposal=1, **options)
    else:
        film = _film(frame, len(moments))
        film.save(stream, "WEBP", lossless=True, method=1, quality=20, **options)
    return stream.getvalue()


def _film(frame: Callable[[int], Image.Image], count: int) -> Image.Image:
    """An image that draws each of its frames when it is sought.

    The WebP writer would keep a list of frames, a gigabyte of them where they are many.
    """
    film = frame(0)
    setattr(film, "n_frames", count)  # noqa: B010 - what the writer asks an image for
    setattr(film, "seek", lambda number: film.paste(frame(number)))  # noqa: B010
    return film


class _Indexed(Generic[M]):
    """Draws frames of 256 colours: most for the map, exact as long as they suffice."""

    def __init__(self, painter: Painter[M]) -> None:
        self._painter = painter
        self._around: Image.Image | None = None

    def paint(self, moment: M) -> Image.Image:
        """One frame with a palette of its own."""
        around = self._painter.frame(moment)
        # The same colours in all frames: what stays the same is stored once.
        self._around = self._around or around.quantize(AROUND, Image.Quantize.MEDIANCUT)
        frame = around.quantize(palette=self._around, dither=Image.Dither.NONE)
        image = _few_colours(self._painter.map(moment), 256 - AROUND)
        self._painter.put(frame, image.point([min(AROUND + each, 255) for each in range(256)]))
        first = (self._around.getpalette() or [])[: 3 * AROUND]
        padding = [0] * (3 * AROUND - len(first))
        frame.putpalette([*first, *padding, *(image.getpalette() or [])][: 3 * 256])
        return frame


def _few_colours(image: Image.Image, most: int) -> Image.Image:
    """With a palette: exact where there are few colours, else the nearest."""
    pixels = np.asarray(image).astype(np.uint32)
    codes = pixels[..., 0] << 16 | pixels[..., 1] << 8 | pixels[..., 2]
    colours, index = np.unique(codes, return_inverse=True)
    if len(colours) > most:
        return image.quantize(most, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    result = Image.fromarray(index.reshape(codes.shape).astype(np.uint8), "P")
    parts = np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=1)
    result.putpalette(parts.astype(np.uint8).tobytes())
    return result
