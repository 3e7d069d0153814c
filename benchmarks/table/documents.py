"""What the documents say of figures: tables made of them, and sentences that hold them.

A table stands between two marks, `<!-- measured: NAME -->` and `<!-- /measured -->`. A sentence is
a template: where digits stand in the document, it has the name of the figure and their format,
`{tab, 1 run, opening|.1f}`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.table import tables
from benchmarks.table.figures import Figure

ROOT = Path(__file__).parents[2]
MARKED = re.compile(r"(<!-- measured: ([a-z ]+) -->\n\n)(.*?)(\n\n<!-- /measured -->)", re.DOTALL)
FIELD = re.compile(r"\{([^{}|]+)\|([^{}|]*)\}")
DIGITS = r"[\d,]+(?:\.\d+)?"

Kept = Mapping[str, Any]
Figures = Mapping[str, Figure]


class UnmeasuredError(KeyError):
    """A document holds a figure that no stored result has."""


@dataclass(frozen=True)
class Sentence:
    """Words that hold figures, and the document in which they stand."""

    document: str
    template: str

    def said(self, figures: Figures) -> str:
        """The words with what was measured.

        Raises:
          UnmeasuredError: it was not.
        """

        def digits(field: re.Match[str]) -> str:
            if field[1] not in figures:
                raise UnmeasuredError(field[1])
            return format(figures[field[1]].median, field[2])

        return FIELD.sub(digits, self.template)

    def found(self, text: str) -> re.Match[str] | None:
        """Where the words stand, whatever their digits."""
        words = FIELD.split(self.template)[::3]
        return re.search(DIGITS.join(map(re.escape, words)), text)


DEMO = "training, the demo's loop"
DIGITS28, PICTURES32 = "training, digits", "training, pictures"
TILES64, PHOTOS224 = "training, tiles", "training, photographs"
FEW, EDITS = "occlusion + saliency", "edits of 64 images"

SENTENCES = (
    Sentence(
        "README.md",
        f"12 digits of 28×28 pixels in the loop of `scripts/demo` {{{DEMO}, call|.2f}} s, 16 of them"
        f" {{{DIGITS28}, {FEW}|.2f}} s, {{{DIGITS28}, {FEW}, share of an epoch|.1f}} % of an epoch of"
        f" 60,000; 16 pictures of 64×64 with a ResNet-20 {{{TILES64}, {FEW}|.1f}} s,"
        f" {{{TILES64}, {FEW}, share of an epoch|.1f}} % of an epoch of 50,000; 16 photographs of"
        f" 224×224 with MobileNetV2 {{{PHOTOS224}, {FEW}|.1f}} s,"
        f" {{{PHOTOS224}, {FEW}, share of an epoch|.1f}} % of an epoch of 5,000.",
    ),
    Sentence(
        "README.md",
        f"16 digits of 28×28 with both methods are {{{DIGITS28}, {FEW}, size|.0f}} KB, and 300 of"
        f" them take {{log, digits, {FEW} × 300, data server once read|.0f}} MB of TensorBoard's"
        f" memory, 12 pictures of 64×64 about {{checkpoint of 12 images, 64×64, size|.0f}} KB, 16"
        f" photographs of 224×224 {{{PHOTOS224}, {FEW}, size|,.0f}} KB",
    ),
    Sentence(
        "docs/performance.md",
        f"Written inside a `tf.function`'s training step, the digits' occlusion and saliency take"
        f" {{{DIGITS28}, in a tf.function|.3f}} s more than the step alone,"
        f" {{{DIGITS28}, that by a call's|.2f}} times what a call between two steps takes.",
    ),
    Sentence(
        "docs/performance.md",
        f"In the demo's loop 12 digits with occlusion (window 4, stride 2) and saliency take"
        f" {{{DEMO}, call|.3f}} s a checkpoint after the first ({{{DEMO}, first|.2f}} s), and"
        f" {{{DEMO}, written|.3f}} s until they are written.",
    ),
    Sentence(
        "docs/budget.md",
        "Of a record of 12 images 28×28 (occlusion and saliency, a small Keras network, two cores)"
        " the passes take {checkpoint of 12 images, 28×28, passes|.0f} ms, statistics and packing"
        " the maps {checkpoint of 12 images, 28×28, maps|.0f}, the records"
        " {checkpoint of 12 images, 28×28, records|.0f}. Writing takes"
        " {checkpoint of 12 images, 28×28, a directory|.1f} to a directory,"
        " {checkpoint of 12 images, 28×28, tf.summary|.1f} with `tf.summary` and"
        " {checkpoint of 12 images, 28×28, SummaryWriter|.0f} through a `SummaryWriter`, whose"
        " checksums are pure Python. Of 12 images 224×224 these are"
        " {checkpoint of 12 images, 224×224, passes|.0f},"
        " {checkpoint of 12 images, 224×224, maps|.0f},"
        " {checkpoint of 12 images, 224×224, records|.0f},"
        " {checkpoint of 12 images, 224×224, a directory|.1f},"
        " {checkpoint of 12 images, 224×224, tf.summary|.1f} and"
        " {checkpoint of 12 images, 224×224, SummaryWriter|.0f}.",
    ),
)


def documents() -> list[Path]:
    """Those that may hold figures."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def told(document: Path, kept: Kept, figures: Figures) -> str:
    """A document's text with what was measured.

    Args:
      kept: what each benchmark found, by its name.
      figures: of these.

    Raises:
      UnmeasuredError: it holds a figure that was not measured.
      ValueError: a sentence of it is gone, or a table unknown.
    """
    text = document.read_text()

    def table(marked: re.Match[str]) -> str:
        if marked[2] not in tables.TABLES:
            raise ValueError(f"{document.name}: no table is called {marked[2]!r}")
        part, make = tables.TABLES[marked[2]]
        if part not in kept:
            raise UnmeasuredError(part)
        return f"{marked[1]}{make(kept[part])}{marked[4]}"

    text = MARKED.sub(table, text)
    for sentence in SENTENCES:
        if ROOT / sentence.document != document:
            continue
        place = sentence.found(text)
        if place is None:
            raise ValueError(f"{sentence.document}: says no more {sentence.template!r}")
        text = text[: place.start()] + sentence.said(figures) + text[place.end() :]
    return text
