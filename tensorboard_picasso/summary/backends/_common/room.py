"""How much is computed at once, by the memory of the device."""

from dataclasses import dataclass

from tensorboard_picasso.summary.reuse.agenda import HELD

# Bytes of a number, as nearly all models compute.
_BYTES = 4
# This part of a device's free memory is ours at most: the rest is the training's.
_SHARE = 4
# Numbers of the two largest maps beside each other, by those of the input that they are made of:
# 43 in VGG16, of which there are more in others; and of what an unoccluded pass leaves.
_MAPS, _LEFT = 64, 256
# What a step of a chunk holds is there up to so many times: as rows, in order, as a map.
_BESIDE = 4
# More than this keeps no device any busier.
_MOST_BATCH, _MOST_STEP, _MOST_INPUTS = 1 << 27, 1 << 27, 4096


@dataclass(frozen=True)
class Room:
    """Numbers that are held at once.

    Attributes:
      batch: in the inputs of a batch of whole passes, at most. inputs: how many these are.
      first, first_inputs: the same of the first batch that is tried, of which what is tried and
        dropped counts for memory too. untimed: in a batch where nothing is timed.
      plain: in a batch of scores that nobody tries sizes for, and of gradients, which take
        `GRADIENT_SHARE` of it.
      step: one step of a chunk of windows. images: in the images of one unoccluded pass.
    """

    batch: int = 1 << 24
    inputs: int = 512
    first: int = 1 << 20
    first_inputs: int = 8
    untimed: int = 1 << 16
    plain: int = 1 << 22
    step: int = HELD
    images: int = 1 << 18


# Of a processor, and of what says nothing of its memory.
PROCESSOR = Room()


def of_memory(free: int) -> Room:
    """Of a device that has so many bytes of memory of its own.

    Powers of two, so that a little more or less of it makes no other batches.
    """
    numbers = max(1, free // _SHARE // _BYTES)
    batch = min(_MOST_BATCH, _power(numbers // _MAPS))
    return Room(
        batch=batch,
        inputs=_MOST_INPUTS,
        first=min(1 << 23, batch),
        first_inputs=64,
        untimed=batch // 8,
        plain=max(PROCESSOR.plain, batch // 4),
        step=min(_MOST_STEP, _power(numbers // _BESIDE)),
        images=max(PROCESSOR.images, _power(numbers // _LEFT)),
    )


def _power(numbers: int) -> int:
    """The largest power of two that is no more, at least one photograph's."""
    return 1 << max(18, int(numbers).bit_length() - 1)
