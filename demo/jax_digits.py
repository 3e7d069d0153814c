"""Train a small Flax network on real digits twice, and watch what it uses.

Two runs differ in their learning rate alone. Each logs class scores, occlusion and saliency of
12 held-out digits at about 60 checkpoints, dense early and sparse late, to a directory that
TensorBoard then serves. No TensorFlow is needed.
"""

from collections.abc import Iterator
from pathlib import Path

import common
import jax
import numpy as np
import optax
from flax import nnx

from tensorboard_picasso import summary

LEARNING_RATES = (1e-3, 5e-4)
BATCH = 32

Split = tuple[np.ndarray, np.ndarray]


class Network(nnx.Module):
    """A small convolutional network."""

    def __init__(self) -> None:
        rngs = nnx.Rngs(0)
        self.conv1 = nnx.Conv(1, 16, (3, 3), padding="VALID", rngs=rngs)
        self.conv2 = nnx.Conv(16, 32, (3, 3), padding="VALID", rngs=rngs)
        self.dropout = nnx.Dropout(0.3, rngs=rngs)
        self.head = nnx.Linear(800, 10, rngs=rngs)

    def __call__(self, images: jax.Array) -> jax.Array:
        """Logits of digits."""
        for layer in (self.conv1, self.conv2):
            images = nnx.max_pool(nnx.relu(layer(images)), (2, 2), strides=(2, 2))
        return self.head(self.dropout(images.reshape(len(images), -1)))


@nnx.jit
def step(model: Network, optimizer: nnx.Optimizer, images: jax.Array, labels: jax.Array) -> None:
    """Train one batch."""

    def loss(model: Network) -> jax.Array:
        return optax.softmax_cross_entropy_with_integer_labels(model(images), labels).mean()

    optimizer.update(model, nnx.grad(loss)(model))


def steps(model: Network, rate: float, training: Split, epochs: int) -> Iterator[None]:
    """Train, batch by batch."""
    images, labels = training
    optimizer = nnx.Optimizer(model, optax.adam(rate), wrt=nnx.Param)
    draw = np.random.default_rng(0)
    for _ in range(epochs):
        order = draw.permutation(len(images))
        for start in range(0, len(images), BATCH):
            part = order[start : start + BATCH]
            model.train()
            step(model, optimizer, images[part], labels[part])
            yield


@nnx.jit
def logits(model: Network, images: jax.Array) -> jax.Array:
    """Scores of images, in the mode the model is in."""
    return model(images)


def scores(model: Network, images: np.ndarray) -> np.ndarray:
    """Scores of images in inference mode."""
    model.eval()
    return np.asarray(logits(model, images))


def train(logdir: Path, epochs: int) -> None:
    """Train once for each learning rate, logging to `<logdir>/lr<rate>`."""
    training, held_out = common.digits()
    novice = Network()
    list(steps(novice, 1e-3, (training[0][:800], training[1][:800]), 1))
    hard = scores(novice, held_out[0])
    schedule = summary.LogSpaced(per_decade=28)
    per_epoch = -(-len(training[0]) // BATCH)
    for rate in LEARNING_RATES:
        run = logdir / f"lr{rate:g}"
        print(f"\nlearning rate {rate:g}, logging to {run}", flush=True)
        model = Network()
        probe = common.watched(held_out[0], held_out[1], hard)
        summary.attribution(probe, model, writer=run, step=0, epoch=0)
        for number, _ in enumerate(steps(model, rate, training, epochs), start=1):
            if schedule.due(number - 1, number):
                epoch = number / per_epoch
                summary.attribution(probe, model, writer=run, step=number, epoch=epoch)
        right = (scores(model, held_out[0]).argmax(1) == held_out[1]).mean()
        print(f"learning rate {rate:g}: held-out accuracy {right:.1%}")


def main() -> None:
    """Train, then serve."""
    common.run(train, __doc__.splitlines()[0], "logs/jax_digits", epochs=8)


if __name__ == "__main__":
    main()
