"""Examples: a few images of a probe, small, as its edits make them: what was asked, for people."""

from collections.abc import Iterator, Sequence
from typing import Any

from tensorboard_picasso.stored import record
from tensorboard_picasso.summary.edits import Variant, View
from tensorboard_picasso.summary.kit import images
from tensorboard_picasso.summary.kit.images import Array
from tensorboard_picasso.summary.probe.probe import Probe

EXAMPLES = 3
# Pixels of the longer side.
SIDE = 96


def drawn(
    probe: Probe,
    variants: Sequence[Variant],
    donors: Sequence[int | None],
    classes: Sequence[Any],
) -> tuple[tuple[int, record.Example], ...]:
    """Index and pictures of the first image of each class, of a few classes.

    Args:
      probe: the images. Of those that a screen cannot show, for which `display=` stands,
        no picture is made. Of volumes the middle slice is drawn.
      variants: the edits; references, which no row shows, are left out.
      donors: of each image, None where there is none.
      classes: of each image what it is.
    """
    if probe.images[0].shape[-1] not in images.SHOWN or not probe.brightness.known:
        return ()
    told = [variant for variant in variants if not variant.about.matched]
    return tuple(
        (index, _example(View(probe, index, donors[index]), told)) for index in _chosen(classes)
    )


def _chosen(classes: Sequence[Any]) -> Iterator[int]:
    """The first of each class, then others."""
    firsts = {each: index for index, each in reversed([*enumerate(classes)])}
    order = sorted(range(len(classes)), key=lambda index: firsts[classes[index]] != index)
    yield from sorted(order[:EXAMPLES])


def _example(view: View, variants: Sequence[Variant]) -> record.Example:
    made = {variant.about.name: variant.make(view) for variant in variants}
    edited = {
        name: _small(view.probe, image)
        for name, image in made.items()
        if image is not None and view.differs(image)
    }
    donor = None if view.donor is None else _small(view.probe, view.probe.images[view.donor])
    return record.Example(
        view.probe.hashes[view.index], _small(view.probe, view.image), donor, edited
    )


def _small(probe: Probe, image: Array) -> bytes:
    shown = probe.brightness.shown(image if image.ndim == 3 else image[len(image) // 2])
    height, width = shown.shape[:2]
    scale = min(1.0, SIDE / max(height, width))
    size = max(1, round(scale * height)), max(1, round(scale * width))
    return images.png(images.resized(shown, size).clip(0, 1))
