"""Ends of TensorFlow's graphs: scores may stand before a softmax or sigmoid."""

from typing import Any

from tensorboard_picasso.numbers.maps import Output

# Operations that pass scores on, and what a model's final one says of them.
_PASSING = ("Identity", "Cast")
# Those that do so where they take or add axes of length one alone.
_SHAPING = ("Squeeze", "ExpandDims", "Reshape")
_ACTIVATIONS = {"Softmax": Output.LOGITS, "Sigmoid": Output.SIGMOID}
_LINEAR = ("BiasAdd", "MatMul", "LogSoftmax")


def scores(output: Any, look_behind: bool) -> tuple[Any, Output | None, bool]:
    """What stands before the final activation of an output in a graph, or the output.

    Returns:
      It; what that shows itself to be, None where it does not; and whether it stands before.
    """
    import tensorflow as tf

    last = output
    while last.op.type in _PASSING or (
        last.op.type in _SHAPING and _same_sides(last, last.op.inputs[0])
    ):
        last = last.op.inputs[0]
    operation = last.op
    if look_behind and operation.type in _ACTIVATIONS:
        given = operation.inputs[0]
        same = last.shape.rank == output.shape.rank
        before = given if same else tf.reshape(given, tf.shape(output))
        return before, _ACTIVATIONS[operation.type], True
    return output, Output.LOGITS if operation.type in _LINEAR else None, False


def _same_sides(one: Any, other: Any) -> bool:
    """Whether tensors have the same axes but for those of length one."""
    if one.shape.rank is None or other.shape.rank is None:
        return False
    sides = [[each for each in tensor.shape if each != 1] for tensor in (one, other)]
    return sides[0] == sides[1] and sides[0].count(None) < 2
