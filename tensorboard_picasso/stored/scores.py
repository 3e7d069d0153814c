"""Scores: what the model said of one image at one step, also with regions hidden."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.numbers.moves import Move, move
from tensorboard_picasso.stored import record_pb2
from tensorboard_picasso.stored.parts import MAX_CLASSES
from tensorboard_picasso.stored.seal import (
    RecordError,
    check_finite,
    check_lengths,
    check_parts,
    member_of,
    number_of,
    readable,
    seal,
    unseal,
)


@dataclass(frozen=True)
class Hidden:
    """Scores with a whole region filled: `values` as in `Scores`.

    move: how the answer over all classes differs from that of the whole image; None in
      older records, of raw values, and where a score is no number. `Scores.move_of` knows more.
    """

    region: str
    fill: str
    values: NDArray[np.float32]
    move: Move | None = None


@dataclass(frozen=True)
class Scores:
    """What the model said of one image at one step.

    classes: class of each value, ascending: all up to 100, beyond that the top
      20 and all targets.
    values: log-odds, float32; for `Output.RAW` the value itself.
    targets: the classes explained at this step.
    lasting: those of them kept because they headed the prediction for long.
    dropped: lasting classes that lost their place at this step.
    value_name: what the values of `Output.RAW` are called; empty: "value".
    independent: each class is a label of its own, true or not, whatever the others are:
      values are logits, and predicted are those from zero on. `Output.LOGITS` are then
      those before a sigmoid.
    nth: this record's number, from 1, among those that the same process wrote of the image;
      0: not known. since: step of the first of them.
    superseded: how many records of earlier processes stood in the log from there on; 0
      also where that was not known.
    """

    output: Output
    class_count: int
    classes: NDArray[np.uint32]
    values: NDArray[np.float32]
    input_hash: bytes
    hidden: tuple[Hidden, ...] = ()
    epoch: float | None = None
    targets: tuple[int, ...] = ()
    lasting: tuple[int, ...] = ()
    dropped: tuple[int, ...] = ()
    value_name: str = ""
    independent: bool = False
    nth: int = 0
    since: int = 0
    superseded: int = 0

    def move_of(self, hidden: Hidden) -> Move | None:
        """How hiding a region moves the answer: as recorded, else from the scores.

        None of raw values, of scores that are no numbers, and of older records that keep
        some of the classes only.
        """
        if hidden.move is not None or self.output is Output.RAW:
            return hidden.move
        if len(self.classes) < self.class_count:
            return None
        return move(self.values, hidden.values, self.independent)


def _pack_hidden(hidden: Hidden) -> record_pb2.Hidden:
    message = record_pb2.Hidden(
        region=hidden.region,
        fill=hidden.fill,
        values=np.asarray(hidden.values, np.float32).tolist(),
    )
    if hidden.move is not None:
        message.moves = hidden.move.moves
        message.flips = hidden.move.flips
        message.predicted = hidden.move.predicted
    return message


def pack_scores(scores: Scores) -> bytes:
    """`Scores` to bytes.

    Raises:
      RecordError: a reader would not take it.
    """
    message = record_pb2.Scores(
        output=number_of(record_pb2.Output, scores.output),
        class_count=scores.class_count,
        classes=np.asarray(scores.classes).tolist(),
        values=np.asarray(scores.values, np.float32).tolist(),
        hidden=[_pack_hidden(each) for each in scores.hidden],
        input_hash=scores.input_hash,
        targets=scores.targets,
        lasting=scores.lasting,
        dropped=scores.dropped,
        value_name=scores.value_name,
        independent=scores.independent,
        nth=scores.nth,
        since=scores.since,
        superseded=scores.superseded,
    )
    if scores.epoch is not None:
        message.epoch = scores.epoch
    return readable(seal(message), unpack_scores)


def unpack_scores(data: bytes) -> Scores:
    """Bytes to `Scores`.

    Raises:
      RecordError: damaged, or newer than this version (`NewerRecordError`).
    """
    message = unseal(data, record_pb2.Scores)
    check_lengths("classes and values", message.classes, message.values)
    check_parts(hidden=message.hidden)
    for hidden in message.hidden:
        check_lengths("classes and hidden values", message.classes, hidden.values)
    if message.class_count > MAX_CLASSES or max(message.classes, default=-1) >= message.class_count:
        raise RecordError(f"damaged record: classes exceed their count {message.class_count}")
    check_finite("epoch", message.epoch)
    output = member_of(Output, record_pb2.Output, message.output)
    moves = [_unpack_move(each, message.class_count) for each in message.hidden]
    return Scores(
        output=output,
        class_count=message.class_count,
        classes=np.array(message.classes[:], np.uint32),
        values=np.array(message.values[:], np.float32),
        hidden=tuple(
            Hidden(hidden.region, hidden.fill, np.array(hidden.values[:], np.float32), moved)
            for hidden, moved in zip(message.hidden, moves, strict=True)
        ),
        input_hash=message.input_hash,
        epoch=message.epoch if message.HasField("epoch") else None,
        targets=tuple(message.targets),
        lasting=tuple(message.lasting),
        dropped=tuple(message.dropped),
        value_name=message.value_name,
        # Older records do not say so; of two classes one may be the other's opposite.
        independent=message.independent or (output is Output.SIGMOID and message.class_count > 2),
        nth=message.nth,
        since=message.since,
        superseded=message.superseded,
    )


def _unpack_move(message: record_pb2.Hidden, class_count: int) -> Move | None:
    there = {name: message.HasField(name) for name in ("moves", "flips", "predicted")}
    if not any(there.values()):
        return None
    lacking = [name for name, held in there.items() if not held]
    if lacking:
        raise RecordError(f"damaged record: a hidden region without {lacking[0]}")
    # One score alone stands for two classes.
    if not 0 <= message.moves <= 1 or message.predicted >= max(class_count, 2):
        raise RecordError("damaged record: what hiding a region moves is out of bounds")
    return Move(message.moves, message.flips, message.predicted)
