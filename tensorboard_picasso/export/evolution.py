"""The evolution of a map over training: an image, a method and a target, its records joined on step."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.export.drawable import Naming
from tensorboard_picasso.export.ground import greys
from tensorboard_picasso.logs.errors import ExportError, NotThereError
from tensorboard_picasso.numbers import maps, places
from tensorboard_picasso.numbers.maps import Floats, Output
from tensorboard_picasso.presentation import wording
from tensorboard_picasso.presentation.readings import (
    Reading,
    comparable,
    explained,
    own_scale,
    readings_for,
    shown,
    statistics_of,
)
from tensorboard_picasso.stored.record import Attribution, Input, Maps, Scores

# In place of a class: what is predicted of the image at the newest step.
PREDICTED: Final = "predicted"
TargetChoice: TypeAlias = int | Literal["predicted"] | None


@dataclass(frozen=True)
class MapSubject:
    """Which map: one image of a probe in a run under a method's label.

    target: the class explained; `PREDICTED`: the image's newest prediction; None: its first
      true class, else that.
    """

    run: str
    probe: str
    image: int
    label: str
    target: TargetChoice = None


@dataclass(frozen=True)
class Moment:
    """What was logged of the image at one step; None where there is nothing.

    planes: of methods without a grid.
    """

    step: int
    wall: float
    about: Attribution | None = None
    scores: Scores | None = None
    planes: Maps | None = None

    def explains(self, target: int) -> bool:
        """Whether there is a map of a class."""
        if self.about is None or target not in explained(self.about):
            return False
        if self.about.grid is not None:
            return True
        if self.planes is None or target not in [each.target for each in self.planes.planes]:
            return False
        # Two records: nothing but their agreement says that they belong together.
        of, about = self.planes, self.about
        return (of.height, of.width, of.depth) == (about.height, about.width, about.depth)

    @property
    def attribution(self) -> Attribution:
        """What a method said, of a moment that has a map.

        Raises:
          ValueError: it has none.
        """
        if self.about is None:
            raise ValueError(f"no map at step {self.step}")
        return self.about

    def shown(self, target: int, reading: Reading) -> Floats:
        """The map as the tab shows it, (height, width)."""
        plane = None if self.planes is None else self.planes.decode(target)
        return shown(self.attribution, target, reading, plane)


@dataclass(frozen=True)
class Evolution:
    """A map over training, as `Shown`.

    target: the class explained. moments: ascending in step; steps that have
    scores only are among them. inputs: by hash. newest: the last input, None
    where none was kept. problems: what could not be read, in words.
    """

    subject: MapSubject
    target: int
    moments: tuple[Moment, ...]
    inputs: Mapping[bytes, Input]
    newest: Input | None
    problems: tuple[str, ...]
    _grounds: dict[bytes, NDArray[np.uint8] | None] = field(default_factory=dict, repr=False)

    def name(self, index: int) -> str:
        """What a class is called."""
        names = self.newest.class_names if self.newest else ()
        return names[index] if index < len(names) and names[index] else str(index)

    @functools.cached_property
    def drawn(self) -> list[Moment]:
        """The moments that have a map of the target.

        Raises:
          NotThereError: none has.
        """
        moments = [each for each in self.moments if each.explains(self.target)]
        if not moments:
            classes = sorted(
                {k for moment in self.moments if moment.about for k in explained(moment.about)}
            )
            listed = ", ".join(map(self.name, classes)) or "none"
            raise NotThereError(f'no map of class "{self.name(self.target)}": there are {listed}')
        return moments

    @property
    def lacking(self) -> list[str]:
        """How many steps of the method have no map of the target, in words; empty: all have."""
        total = sum(each.about is not None for each in self.moments)
        missing = total - len(self.drawn)
        what = f'no map of class "{self.name(self.target)}" at {missing} of {total} steps: left out'
        return [what] if missing else []

    def fitting(self, asked: str | None) -> Reading:
        """The reading with this name, or the default.

        Raises:
          ExportError: it does not fit the method.
        """
        fit = readings_for(self.drawn[-1].attribution)
        if not asked:
            return fit[0]
        if asked not in fit:
            raise ExportError(f'reading "{asked}": {self.subject.label} has {", ".join(fit)}')
        return Reading(asked)

    @property
    def inputs_read(self) -> int:
        """How many pictures may have to be decoded."""
        return len(self.inputs)

    @property
    def words(self) -> list[str]:
        """What it is, for the name of a file."""
        of = self.subject
        return [of.run, of.probe, f"{of.image:02d}", of.label, self.name(self.target)]

    @property
    def where(self) -> list[str]:
        """Where it is logged."""
        of = self.subject
        return [of.run, f"{of.probe}/{of.image:02d}", of.label]

    @property
    def named(self) -> set[int]:
        """Classes that pictures name."""
        best = {k for each in self.drawn if each.scores for k in prediction(each.scores) or ()}
        return {self.target, *best}

    def about(self, moment: Moment) -> Attribution:
        """What was recorded."""
        return moment.attribution

    def values(self, moment: Moment, reading: Reading) -> Floats:
        """The map as the tab shows it."""
        return moment.shown(self.target, reading)

    def own_scale(self, moment: Moment, reading: Reading) -> float:
        """What the map alone would take as its scale."""
        return own_scale(moment.attribution, self.target, reading)

    def ground(self, moment: Moment) -> NDArray[np.uint8] | None:
        """The greys of the image with this hash; None where there are none."""
        about = moment.attribution
        if about.input_hash not in self._grounds:
            picture = self.inputs.get(about.input_hash)
            shape = (about.height, about.width)
            self._grounds[about.input_hash] = greys([picture.png], shape) if picture else None
        return self._grounds[about.input_hash]

    def kept(self, moment: Moment) -> bool:
        """Whether the image with this hash was kept."""
        return moment.attribution.input_hash in self.inputs

    def unseen(self, moment: Moment) -> NDArray[np.bool_] | None:
        """Pixels that the model never sees, where it is known, and those of no segment."""
        if moment.planes is not None and moment.planes.unseen is not None:
            return moment.planes.unseen
        picture = self.inputs.get(moment.attribution.input_hash)
        unseen = picture.unseen if picture else None
        grid = moment.attribution.grid
        apart = None if grid is None else places.untouched(grid)
        return unseen if apart is None else apart if unseen is None else apart | unseen

    def subject_of(self, called: Naming) -> str:
        """The class explained."""
        return called(self.target)

    def caption(self, moment: Moment, called: Naming) -> tuple[str, str]:
        """The class with its score; the step, and what was predicted instead."""
        scores = moment.scores
        true = self.newest is not None and self.target in (self.newest.truths or ())
        title = f"{called(self.target)}{' (true class)' if true else ''}"
        at = wording.step_text(moment.step, scores.epoch if scores else None)
        if scores:
            title += f": {_read(scores, score_of(scores, self.target))}"
            others = [each for each in prediction(scores) or () if each != self.target]
            if others:
                said = [
                    f"{called(other)} ({_read(scores, score_of(scores, other))})"
                    for other in others
                ]
                at += f" · predicted {', '.join(said)}"
        return title, at

    def remarks(self, moment: Moment) -> list[str]:
        """What must be said of one map."""
        statistics = statistics_of(moment.attribution, self.target)
        if comparable(moment.attribution) or not statistics:
            return []
        return [f"total strength {wording.number(statistics.absolute)}"]


def _read(scores: Scores, score: float) -> str:
    value = probability_of(scores, score)
    return wording.number(value) if scores.output is Output.RAW else wording.percent(value)


def score_of(scores: Scores | None, index: int, values: Floats | None = None) -> float:
    """Log-odds of a class (raw outputs: the value); NaN where they were not kept."""
    if scores is None:
        return float("nan")
    at = np.flatnonzero(scores.classes == index)
    return float((scores.values if values is None else values)[at[0]]) if at.size else float("nan")


def probability_of(scores: Scores, value: float) -> float:
    """A score as a probability; a raw output stays the value."""
    return value if scores.output is Output.RAW else float(maps.probability(value))


def predicted(scores: Scores) -> int | None:
    """The class with the highest score; None where none is a number."""
    if np.isnan(scores.values).all():
        return None
    return int(scores.classes[np.nanargmax(scores.values)])


def prediction(scores: Scores) -> list[int] | None:
    """The classes predicted: of independent labels all from even odds on, else the first one."""
    best = predicted(scores)
    if best is None or not scores.independent:
        return None if best is None else [best]
    return [int(each) for each in scores.classes[scores.values >= 0]]
