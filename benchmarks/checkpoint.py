"""Seconds and bytes of a checkpoint: 12 images of three sizes, occlusion and saliency."""

import statistics

import keras
import numpy as np

from tensorboard_picasso import summary
from tensorboard_picasso.numbers.maps import Sign
from tensorboard_picasso.stored import record
from tensorboard_picasso.stored.metadata import Kind
from tensorboard_picasso.summary import backends
from tensorboard_picasso.summary.explain import records
from tensorboard_picasso.summary.explain.targets import Targets
from tensorboard_picasso.summary.log import event

IMAGES = 12
REPEATS = 5


def network(side: int, channels: int) -> keras.Model:
    """Two convolutions, the first of them strided for large images."""
    stride = max(1, side // 56)
    return keras.Sequential(
        [
            keras.Input((side, side, channels)),
            keras.layers.Conv2D(16, 3, strides=stride, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(32, 3, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(10),
        ]
    )


def main() -> None:
    """Print one line a size."""
    print(f"{IMAGES} images, occlusion + saliency of 3 targets, median of {REPEATS}")
    print("size      s a checkpoint (min–max)   KB a checkpoint   bytes: scores, occlusion, plane")
    random = np.random.default_rng(0)
    for side, channels in ((28, 1), (64, 3), (224, 3)):
        keras.utils.set_random_seed(0)
        images = random.random((IMAGES, side, side, channels)).astype(np.float32)
        labels = [*range(10), 0, 1]
        probe = summary.Probe("bench", images, labels=labels)
        backend = backends.find(network(side, channels))
        memory = [Targets((), 2, 8) for _ in range(IMAGES)]
        methods = [summary.Occlusion(), summary.Saliency()]
        results = [records.compute(probe, backend, methods, memory) for _ in range(REPEATS + 1)]
        seconds = [each.seconds for each in results[1:]]
        contents = event.Contents(scores=True, labels=["occlusion", "saliency"])
        written = event.build("bench", results[-1], contents)
        sizes: dict[str, list[int]] = {}
        for value in written.value:
            for each in value.tensor.string_val:
                sizes.setdefault(value.tag.split("/", 2)[-1], []).append(len(each))
        plane = statistics.median(sizes[f"saliency/{Kind.MAP}"][1:])
        print(
            f"{side:>3}×{side:<5} {statistics.median(seconds):6.2f}"
            f" ({min(seconds):.2f}–{max(seconds):.2f})"
            f" {written.ByteSize() / 1000:18.0f}"
            f"            {sizes['scores'][0]}, {sizes['occlusion'][0]}, {plane:.0f}"
        )
    noise = {0: random.normal(size=(224, 224))}
    stored = record.Maps.encode(noise, Sign.DIRECTION, b"")
    print(f"a 224×224 plane of noise: {len(record.pack_maps(stored)[1])} bytes")


if __name__ == "__main__":
    main()
