"""Numbers to pictures: a map over its image, with a caption above and the legend below."""

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from tensorboard_picasso import palettes, wording
from tensorboard_picasso.export import ExportError
from tensorboard_picasso.export.evolution import (
    Evolution,
    Moment,
    predicted,
    probability_of,
    score_of,
)
from tensorboard_picasso.export.font import Font
from tensorboard_picasso.maps import Floats, Output
from tensorboard_picasso.palettes import Palette
from tensorboard_picasso.readings import (
    Reading,
    comparable,
    is_signed,
    own_scale,
    statistics_of,
)
from tensorboard_picasso.record import Attribution

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

    mode: "shared", "step", "map", or "fixed". by_step: the largest scale at each
    step (`evolution.largest`); for "fixed" the value is under 0.
    """

    mode: str
    by_step: Mapping[int, float]

    def of(self, moment: Moment, target: int, reading: Reading) -> float:
        """The scale of one map."""
        if reading is Reading.SCORE:
            return 1.0
        if self.mode == "map":
            return own_scale(moment.attribution, target, reading)
        if self.mode == "step":
            return self.by_step.get(moment.step, 0.0)
        return max(self.by_step.values(), default=0.0)


@dataclass(frozen=True)
class Look:
    """How a map is shown.

    palette: one of `palettes.PALETTES` that fits the map, None: the default.
    opacity: 0..1. size: of the longer side of the map, pixels, rounded down to
    whole pixels of the map.
    """

    reading: Reading
    scale: Scale
    palette: str | None = None
    opacity: float = OPACITY
    size: int = SIZE


def palette_for(about: Attribution, reading: Reading, name: str | None) -> Palette:
    """The palette with this name, or the default, for a map.

    Raises:
      ExportError: there is none of the name, or it does not fit.
    """
    if reading is Reading.SCORE:
        return palettes.GREY
    signed = is_signed(about, reading)
    fit = {
        each.name.replace("–", "-"): each
        for each in palettes.PALETTES.values()
        if each.signed == signed and each is not palettes.GREY
    }
    if name is None:
        return next(iter(fit.values()))
    found = fit.get(name.replace("–", "-"))
    if found is None:
        raise ExportError(f'palette "{name}": here there are {", ".join(fit)}')
    return found


def box(height: int, width: int, size: int) -> tuple[int, int]:
    """Height and width of a map as drawn, pixels: a whole multiple where it is enlarged."""
    longest = max(height, width)
    if longest <= size:
        return height * (size // longest), width * (size // longest)
    return max(1, height * size // longest), max(1, width * size // longest)


class Painter:
    """Draws the moments of an evolution, all at one size."""

    def __init__(self, evolution: Evolution, look: Look) -> None:
        self._evolution = evolution
        self._look = look
        best = {predicted(each.scores) for each in evolution.drawn if each.scores}
        names = [evolution.name(each) for each in {evolution.target, *best} if each is not None]
        subject = evolution.subject
        texts = [*names, subject.run, subject.probe, subject.label]
        self._font = Font("".join(map(_clean, texts)))
        about = evolution.drawn[-1].attribution
        self._palette = palette_for(about, look.reading, look.palette)
        self._box = box(about.height, about.width, look.size)
        self._name = self._name_of(evolution.target)
        self.sentence = wording.sentence(about, look.reading, self._name)
        self._grounds: dict[bytes, NDArray[np.uint8] | None] = {}
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

    def paint(self, moment: Moment) -> Image.Image:
        """One picture, RGB."""
        picture = self.frame(moment)
        self.put(picture, self.map(moment))
        return picture

    def put(self, frame: Image.Image, image: Image.Image) -> None:
        """Paste a map into its place, enlarged where it is small."""
        top, left, height, width = self.place
        frame.paste(image.resize((width, height), Image.Resampling.NEAREST), (left, top))

    def map(self, moment: Moment) -> Image.Image:
        """The map alone, RGB: a pixel each, or reduced to the size at which it is drawn."""
        values, about = self._values(moment), moment.attribution
        painted = palettes.overlay(
            values,
            self._ground(about, values.shape),
            self._palette,
            self._look.scale.of(moment, self._evolution.target, self._look.reading),
            self._look.opacity,
            opaque=self._look.reading is Reading.SCORE,
            unseen=self._unseen(moment),
        )
        image = Image.fromarray(painted)
        height, width = self._box
        if height < image.height:
            return image.resize((width, height), Image.Resampling.BOX)
        return image

    def frame(self, moment: Moment) -> Image.Image:
        """Everything around the map, RGB."""
        picture = Image.new("RGB", (self._width, self._height), PAPER)
        draw = ImageDraw.Draw(picture)
        self._caption(draw, moment)
        self._draw_legend(draw, picture, moment)
        return picture

    def _values(self, moment: Moment) -> Floats:
        return moment.shown(self._evolution.target, self._look.reading)

    def _unseen(self, moment: Moment) -> NDArray[np.bool_] | None:
        """Pixels that the model never sees, where it is known."""
        if moment.planes is not None and moment.planes.unseen is not None:
            return moment.planes.unseen
        shown = self._evolution.inputs.get(moment.attribution.input_hash)
        return shown.unseen if shown else None

    def _kept(self, about: Attribution) -> NDArray[np.uint8] | None:
        """The greys of the image with this hash; None where it was not kept."""
        if about.input_hash not in self._grounds:
            shown = self._evolution.inputs.get(about.input_hash)
            shape = (about.height, about.width)
            self._grounds[about.input_hash] = _grey(shown.png, shape) if shown else None
        return self._grounds[about.input_hash]

    def _ground(self, about: Attribution, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        kept = self._kept(about)
        return np.full(shape, 128, np.uint8) if kept is None else kept

    def _remark(self, moment: Moment) -> str:
        """What must be said of one map."""
        about, values = moment.attribution, self._values(moment)
        parts = []
        statistics = statistics_of(about, self._evolution.target)
        if not comparable(about) and statistics:
            parts.append(f"total strength {wording.number(statistics.absolute)}")
        infinite, nan = int(np.isinf(values).sum()), int(np.isnan(values).sum())
        if infinite:
            parts.append(f"{infinite} saturated")
        if nan:
            parts.append(f"{nan} NaN")
        if self._kept(about) is None:
            parts.append("image not kept")
        return " · ".join(parts)

    def _caption(self, draw: ImageDraw.ImageDraw, moment: Moment) -> None:
        evolution, scores = self._evolution, moment.scores
        true = evolution.newest is not None and evolution.newest.label == evolution.target
        title = f"{self._name}{' (true class)' if true else ''}"
        at = wording.step_text(moment.step, scores.epoch if scores else None)
        if scores:
            value = score_of(scores, evolution.target)
            title += f": {_read(scores.output, probability_of(scores, value))}"
            best = predicted(scores)
            if best is not None and best != evolution.target:
                said = _read(scores.output, probability_of(scores, score_of(scores, best)))
                at += f" · predicted {self._name_of(best)} ({said})"
        self._line(draw, PAD, title, TITLE, TEXT)
        self._line(draw, PAD + 23, at, LINE, TEXT)

    def _draw_legend(self, draw: ImageDraw.ImageDraw, picture: Image.Image, moment: Moment) -> None:
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
        subject = self._evolution.subject
        where = (subject.run, f"{subject.probe}/{subject.image:02d}", subject.label)
        last = [self._remark(moment), *map(_clean, where)]
        self._line(draw, y + 17, " · ".join(filter(None, last)), SMALL, QUIET)

    def _scale_text(self, moment: Moment) -> str:
        if self._look.reading is Reading.SCORE:
            return ""
        about = moment.attribution
        scale = self._look.scale.of(moment, self._evolution.target, self._look.reading)
        parts = [wording.scale_text(about, scale), SCALES.get(self._look.scale.mode, "")]
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
        name = _clean(self._evolution.name(index))
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


def _read(output: Output, value: float) -> str:
    return wording.number(value) if output is Output.RAW else wording.percent(value)


def _clean(text: str) -> str:
    """A name from the log on one line."""
    text = "".join(each if each.isprintable() else " " for each in text[: 2 * LONGEST_NAME])
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"


def _grey(png: bytes, shape: tuple[int, int]) -> NDArray[np.uint8] | None:
    """The greys of a stored PNG; None where it is none of the size that its record says."""
    try:
        with Image.open(BytesIO(png), formats=["PNG"]) as image:
            # Before anything is decoded: the picture itself is untrusted.
            if (image.height, image.width) != shape:
                return None
            return palettes.grey(np.asarray(image.convert("RGBA")))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
