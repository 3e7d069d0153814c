"""Trainings with a planted cue: what is logged of each through the product, and its truth."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from benchmarks.cues import cues
from benchmarks.cues.cues import KINDS, Cue
from benchmarks.cues.sets import CLASSES, Set
from tensorboard_picasso import summary

STEPS = (0, 5, 10, 20, 40, 80, 160, 320)
BATCH, RATE = 32, 3e-3
# Of networks without a cue, whose regions alone are asked about.
CLEAN_STEPS = (160,)
# How many images edits are asked about, and how many maps are made of.
EDITED, MAPPED = 64, 12
NONE = "none"
CORRELATIONS = (0.0, 0.6, 0.9, 1.0)
# Whose cue is as in training, and whose is redrawn at random.
SORTS = ("as trained", "redrawn")


@dataclass(frozen=True)
class Run:
    """One training.

    kind: of `KINDS`, or `NONE`: without any cue, and all kinds' regions are named.
    """

    set: str
    kind: str
    correlation: float
    seed: int

    @property
    def name(self) -> str:
        """As which it is logged."""
        return f"{self.set} {self.kind} {self.correlation:g} {self.seed}"

    @property
    def cue(self) -> Cue | None:
        """What is planted."""
        return KINDS.get(self.kind)


class _Centred(nn.Module):
    """Brings values of 0 to 1 around 0."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """See `nn.Module`."""
        return (images - 0.45) / 0.25


def network(seed: int, side: int) -> nn.Module:
    """Three convolutions, then places count: a cue may be where something is."""
    torch.manual_seed(seed)
    layers: list[nn.Module] = [_Centred()]
    for into, out in ((3, 8), (8, 16), (16, 32)):
        layers += [nn.Conv2d(into, out, 3, stride=2, padding=1), nn.ReLU()]
        side = (side + 1) // 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(32 * side * side, CLASSES))


def trained(run: Run, pictures: Set, folder: Path | None) -> dict[str, Any]:
    """Train, log to a folder (None: log nothing), and tell the truth.

    Returns:
      steps, truth (see `truth_of`) and accuracy, on held-out pictures with the cue as in training.
    """
    of_training, held_out = pictures.training, pictures.held_out
    values = cues.values_of(of_training.labels, run.correlation, run.seed)
    images, _ = cues.planted(run.cue, of_training, values, run.seed)
    model = network(run.seed, images.shape[1])
    optimizer = torch.optim.Adam(model.parameters(), RATE, fused=True)
    probes = [] if folder is None else [*_probes(run, pictures)]
    by_value = [
        cues.planted(run.cue, held_out, np.full(len(held_out.labels), value), run.seed + 2_000_000)[
            0
        ]
        for value in range(CLASSES if run.cue else 1)
    ]
    steps = STEPS if run.cue else CLEAN_STEPS
    found: dict[str, Any] = {"steps": steps, "truth": [], "accuracy": []}
    random = np.random.default_rng(run.seed)
    x, y = _tensor(images), torch.from_numpy(of_training.labels)
    for step in range(max(steps) + 1):
        if step in steps:
            model.eval()
            scores = np.stack([_scores(model, each) for each in by_value])
            truth, accuracy = truth_of(scores, held_out.labels, run.correlation)
            found["truth"].append(truth)
            found["accuracy"].append(accuracy)
            for probe, sample in probes if folder else []:
                _log(probe, sample, model, folder, step, bool(run.cue))
            model.train()
        chosen = torch.from_numpy(random.integers(0, len(x), BATCH))
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x[chosen]), y[chosen]).backward()
        optimizer.step()
    return found


def truth_of(
    scores: NDArray[Any], labels: NDArray[np.int64], correlation: float
) -> tuple[float, float]:
    """What a network loses of its accuracy when the cue is drawn at random: as an expectation, without chance.

    Args:
      scores: (values, n, classes), of held-out pictures with the cue at each value; without a cue
        of one value.
      labels: (n,).
      correlation: with which the cue was planted.

    Returns:
      Accuracy with the cue as in training minus that with it redrawn at random; and the former.
    """
    right = scores.argmax(-1) == labels
    at_random = float(right.mean())
    if len(right) == 1:
        return 0.0, at_random
    told = float(right[labels, np.arange(len(labels))].mean())
    truth = correlation * (told - at_random)
    return truth, at_random + truth


def _tensor(images: NDArray[Any]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))


def _scores(model: nn.Module, images: NDArray[Any]) -> NDArray[Any]:
    with torch.no_grad():
        return model(_tensor(images)).numpy()


def _probes(run: Run, pictures: Set) -> Iterator[tuple[summary.Probe | None, summary.Probe]]:
    """For each sort of cue images for maps, None without a cue, and for edits."""
    chosen = np.random.default_rng(run.seed).permutation(len(pictures.held_out.labels))[:EDITED]
    held_out = pictures.held_out.take(chosen)
    seed = run.seed + 1_000_000
    for sort in SORTS if run.cue else SORTS[:1]:
        correlation = run.correlation if sort == SORTS[0] else 0.0
        values = cues.values_of(held_out.labels, correlation, seed)
        images, masks = cues.planted(run.cue, held_out, values, seed)
        regions = {
            cue.region: cues.masks_of(cue, held_out, seed)
            for cue in ([run.cue] if run.cue else KINDS.values())
            if cue.mask
        }
        names = list(pictures.class_names)
        sample = summary.Probe(
            sort,
            images,
            labels=held_out.labels,
            class_names=names,
            regions=regions,
            max_images=EDITED,
        )
        few = slice(None, MAPPED)
        if masks is None:
            yield None, sample
            continue
        probe = summary.Probe(
            f"{sort}, maps",
            images[few],
            labels=held_out.labels[few],
            class_names=names,
            regions={run.cue.region: masks[few]},
        )
        yield probe, sample


def _log(
    probe: summary.Probe | None,
    sample: summary.Probe,
    model: nn.Module,
    folder: Path,
    step: int,
    cued: bool,
) -> None:
    options: dict[str, Any] = {"writer": folder, "step": step, "scalars": False, "strict": True}
    # Without a cue only regions could be flagged.
    summary.edited(sample, model, edits=None if cued else ["regions"], **options)
    if probe is not None:
        methods = [summary.Occlusion(window=8, stride=4), summary.Saliency()]
        summary.attribution(probe, model, methods=methods, **options)
    summary.flush()
