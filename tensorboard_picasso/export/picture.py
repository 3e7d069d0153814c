"""Pictures made from numbers: a map over its image, with a caption above and the legend below."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic

import numpy as np
from PIL import Image, ImageDraw

from tensorboard_picasso.export.cut import Cut
from tensorboard_picasso.export.drawable import Drawable, M
from tensorboard_picasso.export.font import Font
from tensorboard_picasso.logs.errors import ExportError
from tensorboard_picasso.numbers import palettes
from tensorboard_picasso.numbers.palettes import Palette
from tensorboard_picasso.presentation import wording
from tensorboard_picasso.presentation.readings import Reading, is_signed
from tensorboard_picasso.stored.record import Attribution, Mean

SIZE = 448
OPACITY = 0.85
PAD = 14
# The legend's words need this much, however small the map.
NARROWEST = 380
TEXT, QUIET, PAPER = (28, 33, 39), (102, 112, 121), (255, 255, 255)
TITLE, LINE, SMALL = 17, 14, 12
BAR = 12
# Names come from the log: whatever their length, a line ends.
LONGEST_NAME = 60

SCALES = {
    "shared": "one scale for all steps and runs",
    "step": "one scale for each step",
    "map": "each map has its own scale: not comparable",
}


@dataclass(frozen=True)
class Scale:
    """Which value takes the palette's last colour.

    mode: "shared", "step", "map", or "fixed". by_step, shared: the scale at each step,
    and of all of them or fixed (`source.largest`).
    """

    mode: str
    by_step: Mapping[int, float] = field(default_factory=dict)
    shared: float = 0.0

    def of(self, shown: Drawable[M], moment: M, reading: Reading) -> float:
        """The scale of one map."""
        if reading is Reading.SCORE:
            return 1.0
        if self.mode == "map":
            return shown.own_scale(moment, reading)
        if self.mode == "step":
            return self.by_step.get(moment.step, 0.0)
        return self.shared


@dataclass(frozen=True)
class Look:
    """How a map is shown.

    palette: one of `palettes.PALETTES` that fits the map, None: the default.
    opacity: 0..1. size: of the longer side of the map, pixels, rounded down to
    whole pixels of the map. cut: the slice of a volume that is drawn.
    """

    reading: Reading
    scale: Scale
    palette: str | None = None
    opacity: float = OPACITY
    size: int = SIZE
    cut: Cut = field(default_factory=Cut)


def palette_for(about: Attribution | Mean, reading: Reading, name: str | None) -> Palette:
    """The palette with this name, or the default, for a map.

    Raises:
      ExportError: there is none of the name, or it does not fit.
    """
    if reading is Reading.SCORE:
        return palettes.GREY
    signed = is_signed(about, reading)
    fit = {
        palette.name.replace("–", "-"): palette
        for palette in palettes.PALETTES.values()
        if palette.signed == signed and palette is not palettes.GREY
    }
    if name is None:
        return next(iter(fit.values()))
    palette = fit.get(name.replace("–", "-"))
    if palette is None:
        raise ExportError(f'palette "{name}": here there are {", ".join(fit)}')
    return palette


def box(height: int, width: int, size: int) -> tuple[int, int]:
    """Height and width of a map as drawn, pixels: a whole multiple where it is enlarged."""
    longest = max(height, width)
    if longest <= size:
        return height * (size // longest), width * (size // longest)
    return max(1, height * size // longest), max(1, width * size // longest)


class Painter(Generic[M]):
    """Draws the moments of what is shown, all at one size."""

    def __init__(self, shown: Drawable[M], look: Look) -> None:
        self._shown = shown
        self._look = look
        texts = [*map(shown.name, shown.named), *shown.where]
        self._font = Font("".join(map(_clean, texts)))
        about = shown.about(shown.drawn[-1])
        self._palette = palette_for(about, look.reading, look.palette)
        self._box = box(*look.cut.size(about), look.size)
        self.sentence = wording.sentence(about, look.reading, shown.subject_of(self._name_of))
        inner = max(self._box[1], NARROWEST)
        before, after, _ = self.sentence
        room = self._width_of(before, SMALL) + self._width_of(after, SMALL) + 2 * PAD
        self._stacked = room > inner
        self._width = inner + 2 * PAD
        self._top = PAD + 23 + 20
        self._legend = self._top + self._box[0] + 10
        self._height = self._legend + 17 * (3 + self._stacked) + BAR + 12 + PAD

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of a picture, pixels."""
        return self._height, self._width

    @property
    def place(self) -> tuple[int, int, int, int]:
        """Top, left, height and width of the map in the picture, pixels."""
        left = (self._width - self._box[1]) // 2
        return self._top, left, *self._box

    def paint(self, moment: M) -> Image.Image:
        """One picture, RGB."""
        picture = self.frame(moment)
        self.put(picture, self.map(moment))
        return picture

    def put(self, frame: Image.Image, image: Image.Image) -> None:
        """Paste a map into its place, enlarged where it is small."""
        top, left, height, width = self.place
        frame.paste(image.resize((width, height), Image.Resampling.NEAREST), (left, top))

    def map(self, moment: M) -> Image.Image:
        """The map alone, RGB: a pixel each, or reduced to the size at which it is drawn."""
        cut, about = self._look.cut, self._shown.about(moment)
        values = cut.of(self._shown.values(moment, self._look.reading), about)
        ground, unseen = self._shown.ground(moment), self._shown.unseen(moment)
        painted = palettes.overlay(
            values,
            np.full(values.shape, 128, np.uint8) if ground is None else cut.of(ground, about),
            self._palette,
            self._look.scale.of(self._shown, moment, self._look.reading),
            self._look.opacity,
            opaque=self._look.reading is Reading.SCORE,
            unseen=None if unseen is None else cut.of(unseen, about),
        )
        image = Image.fromarray(painted)
        height, width = self._box
        if height < image.height:
            return image.resize((width, height), Image.Resampling.BOX)
        return image

    def frame(self, moment: M) -> Image.Image:
        """Everything around the map, RGB."""
        picture = Image.new("RGB", (self._width, self._height), PAPER)
        draw = ImageDraw.Draw(picture)
        title, at = self._shown.caption(moment, self._name_of)
        at = " · ".join(filter(None, [at, self._look.cut.words(self._shown.about(moment))]))
        self._line(draw, PAD, title, TITLE, TEXT)
        self._line(draw, PAD + 23, at, LINE, TEXT)
        self._draw_legend(draw, picture, moment)
        return picture

    def _remark(self, moment: M) -> str:
        """What must be said of one map."""
        values, unseen = self._shown.values(moment, self._look.reading), self._shown.unseen(moment)
        values = values if unseen is None else values[~unseen]
        parts = list(self._shown.remarks(moment))
        if self._look.reading is not Reading.SCORE and not values.any():
            parts.append(wording.ZERO)
        infinite, nan = int(np.isinf(values).sum()), int(np.isnan(values).sum())
        if infinite:
            parts.append(f"{infinite} saturated")
        if nan:
            parts.append(f"{nan} NaN")
        if self._shown.ground(moment) is None:
            kept = self._shown.kept(moment)
            parts.append("image cannot be decoded" if kept else "image not kept")
        return " · ".join(parts)

    def _draw_legend(self, draw: ImageDraw.ImageDraw, picture: Image.Image, moment: M) -> None:
        before, after, more = self.sentence
        y = self._legend
        self._line(draw, y, before, SMALL, TEXT)
        y += 17 * self._stacked
        room = self._width - PAD - self._width_of(after, SMALL)
        self._text(draw, (room, y), after, SMALL, TEXT)
        y += 19
        picture.paste(self._bar(), (PAD, y))
        y += BAR + 5
        self._line(draw, y, " · ".join(filter(None, [self._scale_text(moment), more])), SMALL, TEXT)
        last = [self._remark(moment), *map(_clean, self._shown.where)]
        self._line(draw, y + 17, " · ".join(filter(None, last)), SMALL, QUIET)

    def _scale_text(self, moment: M) -> str:
        if self._look.reading is Reading.SCORE:
            return ""
        scale = self._look.scale.of(self._shown, moment, self._look.reading)
        parts = [
            wording.scale_text(self._shown.about(moment), scale),
            SCALES.get(self._look.scale.mode, ""),
        ]
        return " · ".join(filter(None, parts))

    def _bar(self) -> Image.Image:
        """The palette as the legend shows it: positive first, and what lies beyond."""
        sided = self._palette.signed
        score = self._look.reading is Reading.SCORE
        cap = 0 if score else BAR
        width = self._width - 2 * PAD
        ends = 2 * cap if sided else cap
        along = np.linspace(0, 1, width - ends)
        value = 1 - 2 * along if sided else along
        n = 127 if sided else 255
        index = np.floor(np.abs(value) * n + 0.5).astype(int)
        colour = self._palette.colours[128 + np.sign(value).astype(int) * index if sided else index]
        alpha = 1.0 if score else (self._look.opacity * np.sqrt(np.abs(value)))[:, None]
        line = np.floor(alpha * colour + (1 - alpha) * 255 + 0.5).astype(np.uint8)
        caps = [np.full((cap, 3), each, np.uint8) for each in self._palette.beyond]
        parts = [line] if score else [caps[0], line, caps[1]] if sided else [line, caps[0]]
        return Image.fromarray(np.repeat(np.concatenate(parts)[None], BAR, axis=0))

    def _name_of(self, index: int) -> str:
        """What a class is called; by its index where no font has the script of its name."""
        name = _clean(self._shown.name(index))
        return f"“{name}”" if name.strip() and self._font.draws(name) else f"class {index}"

    def _width_of(self, text: str, size: int) -> float:
        return float(self._font.sized(size).getlength(self._font.words(text)))

    def _text(
        self,
        draw: ImageDraw.ImageDraw,
        at: tuple[float, float],
        text: str,
        size: int,
        colour: tuple[int, int, int],
    ) -> None:
        draw.text(at, self._font.words(text), colour, self._font.sized(size))

    def _line(
        self,
        draw: ImageDraw.ImageDraw,
        y: int,
        text: str,
        size: int,
        colour: tuple[int, int, int],
    ) -> None:
        """One line of text, cut where the picture ends."""
        room = self._width - 2 * PAD
        if self._width_of(text, size) > room:
            while text and self._width_of(text + "…", size) > room:
                text = text[:-1]
            text += "…"
        self._text(draw, (PAD, y), text, size, colour)


def _clean(text: str) -> str:
    """A name from the log on one line."""
    text = "".join(each if each.isprintable() else " " for each in text[: 2 * LONGEST_NAME])
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"
