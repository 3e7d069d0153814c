"""Train on digits that carry a decoy, beside a control, and see the wrong thing being learned.

Decoy digits are those of Ross et al. 2017 ("Right for the Right Reasons", IJCAI): a grey
swatch in a random corner. While the decoy run trains, the swatch's shade tells the class; in
the control run it is random. Held-out digits have random shades. Both runs watch one probe of
held-out digits whose swatches have the shade of their own class, the swatch as a region.
"""

import math
import sys
from dataclasses import dataclass
from pathlib import Path

import common
import keras
import keras_training
import numpy as np
from tensorboard.backend.event_processing import event_accumulator

import tensorboard_picasso
from tensorboard_picasso import summary
from tensorboard_picasso.export.editarrays import Edits
from tensorboard_picasso.numbers import edits, maps

SIDE = 4
BATCH = 32
RUNS = ("control", "decoy")
FILLS = ("black", "mean", "grey")
LITTLE = 0.05  # of the answer that hiding the swatch moves
OF_EACH_CLASS = 2
SAMPLE = "more decoy digits"  # whose swatches are swapped and hidden
# Opens with what tells the runs apart: all runs, the newest step, occlusion.
STATE = "&p.picasso.runs=control/picasso,decoy/picasso"


def shade(classes: np.ndarray) -> np.ndarray:
    """The swatch's brightness for each class: (255 − 25 × class) / 255."""
    return ((255 - 25 * classes) / 255).astype(np.float32)


def marked(
    images: np.ndarray, classes: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Images with a swatch in a random corner, and where it is.

    Args:
      images: (n, 28, 28, 1).
      classes: (n,) whose shade each swatch has.
      random: draws the corners.

    Returns:
      The images (n, 28, 28, 1) and masks (n, 28, 28), true on the swatch.
    """
    result, masks = images.copy(), np.zeros(images.shape[:3], bool)
    far = images.shape[1] - SIDE
    for image, mask, value in zip(result, masks, shade(classes), strict=True):
        top, left = random.choice([0, far], 2)
        where = np.s_[top : top + SIDE, left : left + SIDE]
        image[where], mask[where] = value, True
    return result, masks


def network() -> keras.Model:
    """A perceptron with one hidden layer: it has no reason to overlook a corner."""
    keras.utils.set_random_seed(0)
    # Without weight decay the control keeps random weights on corners that it does not use.
    decay = keras.regularizers.L2(1e-3)
    layers = [
        keras.layers.Flatten(),
        keras.layers.Dense(64, activation="relu", kernel_regularizer=decay),
        keras.layers.Dense(10),
    ]
    return keras_training.compiled(layers, learning_rate=1e-3)


def watched(
    images: np.ndarray, labels: np.ndarray, name: str = "decoy digits", of_each: int = OF_EACH_CLASS
) -> summary.Probe:
    """Held-out digits, some of each class, whose swatches have their own class's shade."""
    chosen = [int(each) for k in range(10) for each in np.flatnonzero(labels == k)[:of_each]]
    own, masks = marked(images[chosen], labels[chosen], np.random.default_rng(3))
    return summary.Probe(
        name,
        own,
        labels=labels[chosen],
        class_names=[str(digit) for digit in range(10)],
        regions={"swatch": masks},
        region_fill=FILLS,
        max_images=len(chosen),
    )


def train(logdir: Path, epochs: int) -> dict[str, float]:
    """Train both runs, logging to `<logdir>/<run>`; their accuracies on random shades."""
    (images, labels), (held_out, truth) = common.digits()
    random = np.random.default_rng(2)
    tested, _ = marked(held_out, random.integers(0, 10, len(truth)), random)
    accuracies = {}
    for run in RUNS:
        random = np.random.default_rng(1)
        other = random.integers(0, 10, len(labels))
        given, _ = marked(images, labels if run == "decoy" else other, random)
        print(f"\n{run}, logging to {logdir / run}", flush=True)
        model = network()
        model.fit(
            given,
            labels,
            batch_size=BATCH,
            epochs=epochs,
            validation_data=(tested, truth),
            verbose=keras_training.verbosity(),
            callbacks=[
                keras.callbacks.TensorBoard(logdir / run, write_graph=False),
                summary.KerasCallback(
                    watched(held_out, truth),
                    logdir / run,
                    summary.LogSpaced(per_decade=28),
                    edited=watched(held_out, truth, SAMPLE, of_each=10),
                    edits=["regions"],
                ),
            ],
        )
        accuracies[run] = model.evaluate(tested, truth, verbose=0)[1]
    return accuracies


@dataclass(frozen=True)
class Run:
    """What a run's log says.

    probability: of the true class, by step; `hidden` the same with the swatch
      hidden, for each fill; `moves` how far that moves the whole answer, and
      `changed` the share of predictions that are others then. share: of the swatch in the saliency maps, by step.
    since: the step from which on swapping or hiding the swatch surely moves the answers more
      than the same elsewhere, which the tab flags; infinite: none.
    corners: the share of the four corners in the positive part of the mean map
      of importance at the last step, divided by their area's.
    """

    probability: dict[int, float]
    hidden: dict[str, dict[int, float]]
    moves: dict[str, dict[int, float]]
    changed: dict[str, dict[int, float]]
    share: dict[int, float]
    corners: float
    since: float

    def drop(self, fill: str, step: int) -> float:
        """What hiding the swatch takes from the true class's probability."""
        return self.probability[step] - self.hidden[fill][step]


def read(logdir: Path, run: str) -> Run:
    """Read a run's log back: its scalars, and the newest occlusion of each image."""
    log = event_accumulator.EventAccumulator(
        str(logdir / run / "picasso"),
        size_guidance={event_accumulator.TENSORS: 0, event_accumulator.SCALARS: 0},
    ).Reload()
    logged = tensorboard_picasso.read(logdir)[f"{run}/picasso"]
    probe = logged["decoy digits"]
    newest = int(probe.steps("occlusion")[-1])

    def series(name: str) -> dict[int, float]:
        return {each.step: each.value for each in log.Scalars(f"decoy digits/{name}")}

    truth = "probability of the true class"
    names = {fill: "image mean" if fill == "mean" else fill for fill in FILLS}
    return Run(
        series(truth),
        *(
            {fill: series(f"{what} with swatch hidden in {name}") for fill, name in names.items()}
            for what in (truth, "moves", "predictions changed")
        ),
        series("saliency/share of swatch"),
        _corners([probe.maps(each, "occlusion", step=newest).values[0] for each in probe.images]),
        _since(logged[SAMPLE].edits()),
    )


def _since(asked: Edits) -> float:
    steps = [math.inf]
    for form in ("swapped", "hidden"):
        own, *elsewhere = (
            asked.moves[:, asked.names.index(f"{name}, {form}")]
            for name in ("swatch", "swatch elsewhere (1)", "swatch elsewhere (2)")
        )
        onset = edits.onset(edits.beyond(own, np.stack(elsewhere, 1)), edits=2)
        steps += [] if onset is None else [int(asked.steps[onset.place])]
    return min(steps)


def _corners(importances: list[np.ndarray]) -> float:
    mean = np.mean(importances, axis=0)
    mask = np.zeros(mean.shape, bool)
    for rows in (slice(SIDE), slice(-SIDE, None)):
        for columns in (slice(SIDE), slice(-SIDE, None)):
            mask[rows, columns] = True
    return maps.share(mean, mask).positive / mask.mean()


@dataclass(frozen=True)
class Figure:
    """A measured value with its bound, where it has one."""

    text: str
    value: float
    bound: str = ""
    met: bool = True


def figures(runs: dict[str, Run], accuracies: dict[str, float], epoch: int) -> list[Figure]:
    """What the log says, with the bounds of a network that learned the decoy.

    Args:
      runs: by name. accuracies: on random shades.
      epoch: the last step of the first epoch.
    """
    control, decoy = (runs[name] for name in RUNS)
    last = max(decoy.probability)
    first = max(step for step in decoy.probability if step <= epoch)
    gap = accuracies["control"] - accuracies["decoy"]
    ratio = decoy.share[last] / control.share[last]
    table = [
        Figure("held-out accuracy, control minus decoy", gap, "≥ 0.1", gap >= 0.1),
        Figure("swatch's share of the gradient, decoy / control", ratio, "≥ 5", ratio >= 5),
        Figure(
            "corners in the mean map / their area: decoy",
            decoy.corners,
            "≥ 1.5",
            decoy.corners >= 1.5,
        ),
        Figure(
            "corners in the mean map / their area: control",
            control.corners,
            "≤ 1",
            control.corners <= 1,
        ),
    ]
    hidden = "probability lost with the swatch hidden in black"
    early = decoy.drop("black", first) - control.drop("black", first)
    lost, kept = decoy.drop("black", last), control.drop("black", last)
    table += [
        Figure(f"{hidden}, step {first}: decoy − control", early, "≥ 0.05", early >= 0.05),
        Figure(f"{hidden}, step {last}: decoy", lost, "≥ 0.2", lost >= 0.2),
        Figure(f"{hidden}, step {last}: control", kept, "0 ± 0.05", abs(kept) <= 0.05),
    ]
    flagged = "the swatch is flagged from step"
    moved = "moves of the answer with the swatch hidden in black"
    most = max(control.moves["black"].values())
    table += [
        Figure(f"{flagged}: decoy", decoy.since, f"≤ {first}", decoy.since <= first),
        Figure(f"{flagged}: control", control.since, "never", control.since == math.inf),
        Figure(f"{moved}, step {last}: decoy", decoy.moves["black"][last]),
        Figure(f"{moved}, at most: control", most, f"≤ {LITTLE}", most <= LITTLE),
    ]
    table += [
        Figure(f"predictions changed by it, step {last}: {name}", run.changed["black"][last])
        for name, run in (("decoy", decoy), ("control", control))
    ]
    # Other fills are other questions: mid-grey is the shade of class 5.
    table += [
        Figure(f"the same in {fill}: {name}", run.drop(fill, last))
        for fill in FILLS[1:]
        for name, run in (("decoy", decoy), ("control", control))
    ]
    return table


def main() -> None:
    """Train both runs, compare what was logged with the bounds, then serve."""
    options = common.arguments(__doc__.splitlines()[0], "logs/decoy", epochs=25)
    common.make_anew(options.logdir)
    accuracies = train(options.logdir, options.epochs)
    steps = -(-len(common.digits()[0][0]) // BATCH)
    results = figures({run: read(options.logdir, run) for run in RUNS}, accuracies, steps)
    print()
    for figure in results:
        bound = f"bound {figure.bound}: {'met' if figure.met else 'MISSED'}" if figure.bound else ""
        print(f"{figure.text:<72} {figure.value:7.3f}  {bound}".rstrip())
    if options.no_serve:
        print(f"now: tensorboard --logdir {options.logdir}")
        sys.exit(not all(each.met for each in results))
    sys.exit(common.serve(options.logdir, options.port, STATE))


if __name__ == "__main__":
    main()
