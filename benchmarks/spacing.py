"""Integrated Gradients' completeness error, by how many points lie how on the way.

Of three small networks that are trained for it, on held-out images, for the true class, from the
image's mean and from black: what `summary.IntegratedGradients` records as its completeness error.
"""

import argparse
import json
import statistics
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from benchmarks.occlusion import torch_models
from benchmarks.text import plain
from benchmarks.training.projects import crops
from tensorboard_picasso import summary
from tensorboard_picasso.summary import backends
from tensorboard_picasso.summary.explain import records
from tensorboard_picasso.summary.explain.targets import Targets
from tensorboard_picasso.summary.methods.integrated_gradients import SPACINGS

POINTS = (8, 16, 32, 64)
BASELINES = ("mean", "black")
SCORES = ("log-odds", "probability")
SEEDS = (0, 1)
IMAGES = 24

Network = tuple[nn.Module, Tensor, Tensor]


def digits(activation: Callable[[], nn.Module], pooling: Callable[[int], nn.Module]) -> Network:
    """A CNN of scikit-learn's digits, at 28×28; images and labels that it has not seen."""
    held = load_digits()
    images = torch.tensor(held.images[:, None] / 16, dtype=torch.float32)
    images = nn.functional.interpolate(images, size=(28, 28), mode="bilinear")
    labels = torch.tensor(held.target)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3), activation(), pooling(2), nn.Conv2d(16, 32, 3), activation(),
        pooling(2), nn.Flatten(), nn.Linear(800, 64), activation(), nn.Linear(64, 10),
    )  # fmt: skip
    _train(model, images[:1600], labels[:1600], 8)
    return model, images[1600 : 1600 + IMAGES], labels[1600 : 1600 + IMAGES]


def photographs() -> Network:
    """ResNet-20 of crops of photographs, at 32×32; likewise."""
    x, y = crops(32, 32)
    images, labels = torch.tensor(np.moveaxis(x, -1, 1) / 255), torch.tensor(y)
    model = torch_models.build("resnet20", x[:128] / 255)
    for each in model.modules():
        if isinstance(each, nn.BatchNorm2d):
            each.momentum = 0.1
    _train(model, images[:1900], labels[:1900], 4)
    return model, images[1900 : 1900 + IMAGES], labels[1900 : 1900 + IMAGES]


NETWORKS: Mapping[str, Callable[[], Network]] = {
    "digits, GELU": lambda: digits(nn.GELU, nn.AvgPool2d),
    "digits, ReLU": lambda: digits(nn.ReLU, nn.MaxPool2d),
    "ResNet-20": photographs,
}


def _train(model: nn.Module, images: Tensor, labels: Tensor, epochs: int) -> None:
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    model.train()
    for _ in range(epochs):
        for some in torch.randperm(len(images)).split(64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images[some]), labels[some]).backward()
            optimizer.step()
    model.eval()


def measured(name: str, seed: int) -> list[dict[str, Any]]:
    """Medians over images of one network: of the difference that is told, and of the errors."""
    torch.manual_seed(seed)
    model, images, labels = NETWORKS[name]()
    probe = summary.Probe("spacing", images.numpy(), labels=labels.numpy(), value_range=(0, 1),
                          data_format="channels_first", max_images=IMAGES)  # fmt: skip
    backend = backends.find(model)
    memory = [Targets((), 0, 1) for _ in range(IMAGES)]
    found = []
    for score in SCORES:
        for baseline in BASELINES:
            for spacing in SPACINGS:
                row = {"network": name, "seed": seed, "score": score, "baseline": baseline,
                       "spacing": spacing, "errors": {}}  # fmt: skip
                for steps in POINTS:
                    method = summary.IntegratedGradients(
                        baseline=baseline, steps=steps, spacing=spacing, score=score
                    )
                    told = records.compute(probe, backend, [method], memory)
                    pairs = [_told(image.attributions[0][0].parameters) for image in told.images]
                    errors, differences = zip(*pairs, strict=True)
                    row["errors"][str(steps)] = statistics.median(errors)
                    row["difference"] = statistics.median(differences)
                found.append(row)
    return found


def _told(parameters: Mapping[str, str]) -> tuple[float, float]:
    """The completeness error of a record, and the difference that it is a part of."""
    error, _, difference = parameters["completeness error"].split()[:3]
    return float(error), float(difference)


def cells(found: Mapping[str, Any], baseline: str = "mean") -> list[list[str]]:
    """A table: of each network and score the spacings, a column for a number of points."""
    rows = [["network, score, difference", "points", *map(str, POINTS)]]
    kept = [row for row in found["rows"] if row["baseline"] == baseline]
    for name in NETWORKS:
        for score in SCORES:
            for spacing in SPACINGS:
                some = [row for row in kept
                        if (row["network"], row["score"], row["spacing"]) == (name, score, spacing)]  # fmt: skip
                if some:
                    about = f"{name}, {score}, {_several(row['difference'] for row in some)}"
                    errors = [_several(row["errors"][str(each)] for row in some) for each in POINTS]
                    rows.append([about if spacing == SPACINGS[0] else "", spacing, *errors])
    return rows


def _several(values: Any) -> str:
    return ", ".join(f"{value:.2g}" for value in values)


def main() -> None:
    """See `--help`."""
    parser = argparse.ArgumentParser("scripts/bench spacing", description=__doc__)
    parser.add_argument("--json", type=Path, default=Path("logs/bench/spacing.json"))
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    options.json.parent.mkdir(parents=True, exist_ok=True)
    for name in options.networks:
        for seed in SEEDS:
            rows += measured(name, seed)
        options.json.write_text(json.dumps({"rows": rows}, indent=1) + "\n")
    for baseline in BASELINES:
        print(f"from {baseline}; {len(SEEDS)} trainings, medians of {IMAGES} images\n")
        print(f"{plain(cells({'rows': rows}, baseline))}\n")


if __name__ == "__main__":
    main()
