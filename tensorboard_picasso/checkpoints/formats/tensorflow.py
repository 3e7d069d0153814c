"""TensorFlow's `tf.train.Checkpoint`: an index and its data, of Keras models and `tf.Module`s."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from tensorboard_picasso.checkpoints import CheckpointError
from tensorboard_picasso.checkpoints.formats.base import Format, needed, whole
from tensorboard_picasso.checkpoints.steps import Progress

INDEX = ".index"
_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
_STEP = re.compile(rf"(?:.*/)?(?:step|global_step|_?iterations?){_VALUE}")
_EPOCH = re.compile(rf"(?:.*/)?epoch{_VALUE}")
_COUNTER = "save_counter"
# Under which name a checkpoint holds the model, if several could.
_USUAL = ("model", "net", "network", "module")


class Reader(Format):
    """Found by its index; its name is the prefix of its files."""

    name: ClassVar[str] = "tf.train.Checkpoint"

    def found(self, folder: Path, names: Sequence[str]) -> list[str]:
        """See `Format.found`."""
        prefixes = [name.removesuffix(INDEX) for name in names if name.endswith(INDEX)]
        return [each for each in prefixes if any(n.startswith(f"{each}.data-") for n in names)]

    def files(self, path: Path) -> list[Path]:
        """See `Format.files`."""
        data = sorted(path.parent.glob(f"{_literal(path.name)}.data-*"))
        return [path.with_name(path.name + INDEX), *data]

    def progress(self, path: Path, trusted: bool) -> Progress:
        """A variable named for steps, the outermost one; else the counter of saves."""
        import tensorflow as tf

        reader = tf.train.load_checkpoint(str(path))
        names = sorted(reader.get_variable_to_shape_map(), key=lambda name: (name.count("/"), name))

        def first(pattern: re.Pattern[str]) -> tuple[str, int] | None:
            for name in filter(pattern.fullmatch, names):
                number = whole(reader.get_tensor(name))
                if number is not None:
                    return name.removesuffix(_VALUE), number
            return None

        step, epoch = first(_STEP), first(_EPOCH)
        count = first(re.compile(_COUNTER + _VALUE))
        source = (step or epoch or count or ("", 0))[0]
        return Progress(
            step=step and step[1],
            epoch=epoch and epoch[1],
            number=count and count[1],
            source=f'the variable "{source}"',
        )

    def load(self, path: Path, model: Any, trusted: bool) -> Any:
        """See `Format.load`; the model is found whatever the checkpoint calls it."""
        import tensorflow as tf

        model = needed(model, path.name)
        tops = {name.split("/")[0] for name, _ in tf.train.list_variables(str(path))}
        tops = {name for name in tops if not name.startswith("_")} - {_COUNTER, "optimizer"}
        unmatched = ""
        for name in [*sorted(tops, key=lambda name: (name not in _USUAL, name)), ""]:
            held = tf.train.Checkpoint(**{name: model}) if name else tf.train.Checkpoint(model)
            status = held.read(str(path))
            try:
                status.assert_existing_objects_matched()
            except AssertionError as e:
                unmatched = unmatched or str(e)
                continue
            status.expect_partial()
            return model
        raise CheckpointError(f"it is of another model: {unmatched.partition(':')[0]}")


def _literal(name: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", name)
