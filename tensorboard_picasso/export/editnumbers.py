"""Numbers of edits over training as CSV and NPZ; docs/export.md says what each is."""

import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tensorboard_picasso.export import editarrays, source
from tensorboard_picasso.export.cells import cell_of, written
from tensorboard_picasso.export.source import Source
from tensorboard_picasso.logs.bounds import Room
from tensorboard_picasso.logs.errors import NotThereError
from tensorboard_picasso.logs.records import Problems, Stored, only, unpacked
from tensorboard_picasso.numbers import edits
from tensorboard_picasso.stored import record
from tensorboard_picasso.stored.metadata import Kind
from tensorboard_picasso.version import __version__

COLUMNS = (
    "step", "wall_time", "epoch", "edit", "form", "region", "matched", "images",
    "moves", "moves_low", "moves_high", "flips", "follows", "cost", "cost_low", "cost_high",
)  # fmt: skip


@dataclass(frozen=True)
class EditSubject:
    """The edits of a probe in a run."""

    run: str
    probe: str

    @property
    def words(self) -> list[str]:
        """What it is, for the name of a file."""
        return [self.run, self.probe, "edits"]


@dataclass(frozen=True)
class Read:
    """What was read of it, ascending in step, and what could not be."""

    records: Sequence[tuple[Stored, record.Edits]]
    problems: tuple[str, ...]


def gather(logged: Source, subject: EditSubject, step: int | None = None) -> Read:
    """Read edits over training.

    step: only this one.

    Raises:
      NotThereError: there are none, or none at the step.
    """
    tags = only(logged.of_probe(subject.run, subject.probe), Kind.EDITS, None)
    problems = Problems()
    records = [
        pair
        for series, stored in logged.tensors(subject.run, tags)
        for pair in unpacked(series, stored, record.unpack_edits, problems)
    ]
    kept = [pair for pair in records if step in (None, pair[0].step)]
    if not kept:
        steps = [at.step for at, _ in records]
        raise source.no_step(step, "edits", steps) if steps else NotThereError("no edits are there")
    return Read(kept, tuple(source.said(subject.run, each) for each in problems))


def table(read: Read, room: Room) -> str:
    """As CSV: a row an edit and step, with intervals over the images.

    Raises:
      TooLargeError: there is not enough room.
    """
    rows = [
        _row(at, said, place)
        for at, said in read.records
        for place in range(len(said.edits))
        if said.asked[place].any()
    ]
    return written(COLUMNS, rows, room)


def _row(at: Stored, said: record.Edits, place: int) -> dict[str, Any]:
    edit, asked = said.edits[place], said.asked[place]
    moves = edits.estimate(said.moves[place])
    cost = edits.estimate(editarrays.costs(said)[place])
    follows = edits.estimate(editarrays.follows(said)[place])
    return {
        "step": at.step,
        "wall_time": repr(at.wall),
        "epoch": "" if said.epoch is None else cell_of(said.epoch),
        "edit": edit.name,
        "form": edit.form,
        "region": edit.region,
        "matched": edit.matched,
        "images": int(asked.sum()),
        "moves": cell_of(moves.value),
        "moves_low": cell_of(moves.low),
        "moves_high": cell_of(moves.high),
        "flips": cell_of(float(said.flips[place][asked].mean())),
        "follows": cell_of(follows.value),
        "cost": cell_of(cost.value),
        "cost_low": cell_of(cost.low),
        "cost_high": cell_of(cost.high),
    }


def arrays(read: Read, subject: EditSubject, room: Room) -> bytes:
    """As NPZ: what `tensorboard_picasso.read` gives of them.

    Raises:
      ExportError: the images or the edits changed during training.
      TooLargeError: there is not enough room.
    """
    room.take(sum(14 * said.asked.size for _, said in read.records))
    found = editarrays.stacked([(at.step, said) for at, said in read.records])
    newest = read.records[-1][1]
    metadata = {
        "run": subject.run,
        "probe": subject.probe,
        "output": newest.output,
        "value_name": newest.value_name,
        "labelled": found.labelled,
        "edits": [asdict(edit) for edit in newest.edits],
        "problems": list(read.problems),
        "version": __version__,
    }
    stream = io.BytesIO()
    np.savez_compressed(
        stream,
        steps=found.steps,
        wall_times=np.array([at.wall for at, _ in read.records], np.float64),
        epochs=found.epochs,
        moves=found.moves,
        flips=found.flips,
        follows=found.follows,
        costs=found.costs,
        predicted=found.predicted,
        donors=found.donors,
        metadata=np.array(json.dumps(metadata)),
    )
    return stream.getvalue()
