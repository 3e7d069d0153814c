"""Arrays of what a log holds, for notebooks and scripts: `tensorboard_picasso.read`."""

import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.export import source
from tensorboard_picasso.export.editarrays import Edits, stacked
from tensorboard_picasso.export.evolution import Evolution, MapSubject, TargetChoice
from tensorboard_picasso.export.ground import decoded
from tensorboard_picasso.export.logged import Floats, Maps, Picture, Scores, Segments, Windows
from tensorboard_picasso.export.regionarrays import RegionNumbers, by_region
from tensorboard_picasso.logs.errors import ExportError, NotThereError
from tensorboard_picasso.logs.events import EventReader
from tensorboard_picasso.logs.records import Problems, only, unpacked
from tensorboard_picasso.logs.scores import first_scores, scores_of
from tensorboard_picasso.numbers import places, volumes
from tensorboard_picasso.numbers.maps import single
from tensorboard_picasso.presentation.readings import Reading
from tensorboard_picasso.stored import record
from tensorboard_picasso.stored.metadata import Kind, Series

V = TypeVar("V")
_NONE = "none of its records can be read"


class LoggedProbe:
    """One probe of one run. What cannot be read is warned of and left out."""

    def __init__(self, reader: EventReader, run: str, name: str) -> None:
        self.run = run
        self.name = name
        self._reader = reader
        self._series = reader.of_probe(run, name)

    def __repr__(self) -> str:
        return f"<probe {self.name!r} of run {self.run!r}: {len(self.images)} images, {', '.join(self.methods)}>"

    @property
    def images(self) -> list[int]:
        """The numbers of its images."""
        shown = (Kind.SCORES, Kind.INPUT)  # a probe whose edits alone are logged has no scores
        return sorted({series.image for series in self._series if series.kind in shown})

    @property
    def methods(self) -> list[str]:
        """The labels of its methods: "occlusion", "saliency", or what `label=` said."""
        return sorted({each.label for each in self._series if each.kind is Kind.METHOD})

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes, empty where none were given."""
        return self._input(self.images[0]).class_names

    @property
    def groups(self) -> dict[int, str | None]:
        """The group of each image by its number, None: of none; empty where no image has one."""
        found = {image: self._input(image).group for image in self.images}
        return found if any(found.values()) else {}

    def steps(self, method: str | None = None) -> NDArray[np.int64]:
        """The logged steps: of a method, or of the scores of its first image, or of edits alone. int64, ascending.

        Raises:
          NotThereError: there is no such method.
        """
        if method is None:
            told = first_scores(self._series)
            if not told:
                return self.edits().steps
        else:
            missing = f'no method "{method}"'
            told = list(self._of(Kind.METHOD, self.images[0], method, missing))[:1]
        steps = [step for each in told for step in self._reader.steps(self.run, each)]
        return np.array(sorted(steps), np.int64)

    def picture(self, image: int) -> Picture:
        """An image, its labels and regions.

        Raises:
          NotThereError: there is no such image, or its input was not kept.
          ExportError: its picture cannot be decoded.
        """
        shown = self._input(image)
        pixels = decoded(shown.png, (shown.height, shown.width), "RGB")
        if pixels is None:
            raise ExportError(f"image {image}: its picture cannot be decoded")
        pixels = volumes.natural(pixels, shown.depth)
        regions = {name: volumes.natural(mask, shown.depth) for name, mask in shown.regions.items()}
        source_index, group = shown.source_index, shown.group
        return Picture(pixels, shown.name, shown.truths, regions, source_index, group)

    def scores(self, image: int) -> Scores:
        """What the model said of an image at each step.

        Raises:
          NotThereError: there is no such image.
        """
        problems = Problems()
        found = scores_of(self._reader, self.run, self._series, [image], problems)
        records = sorted(
            ((at.step, at.wall, said) for _, at, said in found), key=lambda each: each[0]
        )
        self._warn(problems)
        if not records:
            if image not in self.images:
                raise self._no_image(image)
            raise NotThereError(_NONE)
        classes = _union(said.classes for _, _, said in records)
        regions = sorted({(of.region, of.fill) for _, _, said in records for of in said.hidden})
        hidden = {}
        for key in regions:
            rows = []
            for _, _, said in records:
                known = [of.values for of in said.hidden if (of.region, of.fill) == key]
                rows.append(_spread(said.classes, known[0] if known else None, classes))
            hidden[key] = np.stack(rows)
        return Scores(
            np.array([step for step, _, _ in records], np.int64),
            np.array([wall for _, wall, _ in records], np.float64),
            np.array([np.nan if said.epoch is None else said.epoch for _, _, said in records]),
            classes,
            np.stack([_spread(said.classes, said.values, classes) for _, _, said in records]),
            hidden,
            str(records[-1][2].output),
        )

    def maps(
        self,
        image: int,
        method: str,
        target: TargetChoice = None,
        *,
        reading: str | None = None,
        step: int | None = None,
    ) -> Maps:
        """The maps of an image for one class.

        Args:
          image: its number.
          method: a label of `methods`.
          target: the class; None: the image's first true class, else its newest prediction;
            "predicted": that.
          reading: "importance" (the default), and of windows "score" or "evidence".
          step: only this one; None: all.

        Raises:
          NotThereError: there is no such image, method, step, or map of the class.
          ExportError: the reading does not fit the method, or maps have several sizes.
        """
        subject = MapSubject(self.run, self.name, image, method, target)
        evolution: Evolution = source.gather(self._reader, subject, step=step)
        for text in evolution.problems:
            warnings.warn(text, stacklevel=2)
        chosen: Reading = evolution.fitting(reading)
        values = [
            moment.planes.decode(evolution.target)
            if moment.planes is not None
            else single(evolution.values(moment, chosen))
            for moment in evolution.drawn
        ]
        sizes = {
            (each.attribution.depth, *value.shape)
            for each, value in zip(evolution.drawn, values, strict=True)
        }
        if len(sizes) > 1:
            raise ExportError("maps of several sizes: pass step=")
        about = evolution.drawn[-1].attribution
        return Maps(
            np.array([moment.step for moment in evolution.drawn], np.int64),
            volumes.natural(np.stack(values), about.depth, 1),
            evolution.target,
            str(chosen),
            about.unit,
            about.score,
            dict(about.parameters),
        )

    def regions(
        self, image: int, method: str, target: TargetChoice = None
    ) -> dict[str, RegionNumbers]:
        """What a method's maps of an image are on its regions, by name; arguments as of `maps`.

        Raises:
          NotThereError: there is no such image or method.
        """
        return by_region(self._reader, MapSubject(self.run, self.name, image, method, target))

    def windows(self, image: int, method: str = "occlusion") -> Windows:
        """What occlusion recorded: the scores with each window hidden.

        Raises:
          NotThereError: there is no such image or method, or it has no windows.
          ExportError: its windows changed during training.
        """
        first, _, steps, classes, hidden, whole = self._grids(image, method)
        if first.segments is not None:
            raise NotThereError(f"{method} hides segments, no windows: use segments()")
        starts = [each.astype(np.int64) for each in (first.tops, first.lefts, first.fronts)]
        tops, lefts, fronts = starts
        hidden = volumes.natural(hidden, len(fronts), 1)
        return Windows(steps, tops, lefts, places.extent(first), classes, hidden, whole, fronts)

    def segments(self, image: int, method: str = "occlusion") -> Segments:
        """What occlusion by segments recorded: the scores with each segment hidden.

        Raises:
          NotThereError: there is no such image or method, or it has no segments.
          ExportError: its segments changed during training.
        """
        first, depth, steps, classes, hidden, whole = self._grids(image, method)
        if first.segments is None:
            raise NotThereError(f"{method} hides windows, no segments: use windows()")
        labels = volumes.natural(first.segments, depth)
        return Segments(steps, labels, classes, hidden[:, :, 0], whole)

    def _grids(
        self, image: int, method: str
    ) -> tuple[record.Grid, int, NDArray[np.int64], NDArray[np.int64], Floats, Floats]:
        """The first grid, the depth of its volume, steps, classes, what is hidden and what whole at each."""
        tags = self._of(Kind.METHOD, image, method, f'no method "{method}"')
        read = self._records(tags, record.unpack_attribution)
        grids = [(step, each.grid, each.depth) for step, _, each in read if each.grid is not None]
        if not grids:
            raise NotThereError(f"{method} has no windows: use maps()")
        first, depth = grids[0][1:]
        if len({(places.key(of), deep) for _, of, deep in grids}) > 1:
            parts = "windows" if first.segments is None else "segments"
            raise ExportError(f"{parts} changed during training: use maps(step=)")
        classes = _union(of.classes for _, of, _ in grids)
        return (
            first,
            depth,
            np.array([step for step, _, _ in grids], np.int64),
            classes,
            np.stack([_spread(of.classes, of.values, classes) for _, of, _ in grids]),
            np.stack([_spread(of.classes, of.whole, classes) for _, of, _ in grids]),
        )

    def edits(self) -> Edits:
        """What the model said of its images once they were edited.

        Raises:
          NotThereError: no edits were logged.
          ExportError: the images or the edits changed during training.
        """
        tags = only(self._series, Kind.EDITS, None)
        if not tags:
            raise NotThereError(f'probe "{self.name}" has no edits: log them with summary.edited')
        return stacked([(at, said) for at, _, said in self._records(tags, record.unpack_edits)])

    def _of(
        self, kind: Kind, image: int, label: str | None, missing: str = ""
    ) -> dict[Series, str]:
        tags = only(self._series, kind, [image], label or "")
        if not tags:
            if label:
                raise NotThereError(f"{missing}: there are {', '.join(self.methods)}")
            raise self._no_image(image)
        return tags

    def _no_image(self, image: int) -> NotThereError:
        return NotThereError(f"no image {image}: there are {', '.join(map(str, self.images))}")

    def _warn(self, problems: Problems) -> None:
        for problem in problems:
            warnings.warn(source.said(self.run, problem), stacklevel=4)

    def _input(self, image: int) -> record.Input:
        read = self._records(self._of(Kind.INPUT, image, None), record.unpack_input)
        newest: record.Input = read[-1][2]
        return newest

    def _records(
        self, tags: Mapping[Series, str], unpack: Callable[[bytes], Any]
    ) -> list[tuple[int, float, Any]]:
        problems = Problems()
        records = [
            (at.step, at.wall, value)
            for series, stored in self._reader.tensors(self.run, tags)
            for at, value in unpacked(series, stored, unpack, problems)
        ]
        self._warn(problems)
        if not records:
            raise NotThereError(_NONE)
        return records


class Listing(dict[str, V]):
    """A dict whose error says what there is."""

    def __init__(self, what: str, values: Mapping[str, V]) -> None:
        super().__init__(values)
        self._what = what

    def __missing__(self, name: str) -> V:
        raise KeyError(f"no {self._what} {name!r}: there are {', '.join(self) or 'none'}")


def read(logdir: str | Path) -> dict[str, dict[str, LoggedProbe]]:
    """What a log directory holds, as NumPy arrays: every logged step, from the event files.

    ::

        log = tensorboard_picasso.read("logs")
        maps = log["run1"]["digits"].maps(image=0, method="occlusion")
        maps.values.shape, maps.steps  # (steps, height, width), (steps,)

    `log[run][probe]` is a `LoggedProbe`, with `scores`, `maps`, `windows`, `segments`, `regions` and `picture` by image.
    What cannot be read is warned of and left out. No framework is imported. Event files are read as they are now; read again for more.

    Args:
      logdir: a directory as `tensorboard --logdir` takes it, `s3://` and `gs://` too.

    Raises:
      ExportError: there is no such directory, or nothing here reads it.
    """
    reader = EventReader(logdir, lambda text: warnings.warn(text, stacklevel=3))
    runs: dict[str, dict[str, LoggedProbe]] = {}
    for run in reader.runs:
        names = sorted({each.probe for each in reader.of_run(run)})
        if names:
            runs[run] = Listing("probe", {each: LoggedProbe(reader, run, each) for each in names})
    return Listing("run", runs)


def _union(classes: Iterable[NDArray[Any]]) -> NDArray[np.int64]:
    return np.unique(np.concatenate([np.asarray(each, np.int64) for each in classes]))


def _spread(classes: NDArray[Any], values: NDArray[Any] | None, all_: NDArray[np.int64]) -> Floats:
    """Values of some classes, the last axis, as those of all; NaN where there are none."""
    shape = () if values is None else values.shape[:-1]
    spread = np.full((*shape, len(all_)), np.nan, np.float32)
    if values is not None:
        spread[..., np.searchsorted(all_, classes)] = values
    return spread
