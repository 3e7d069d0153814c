"""Train a small 3-D network on synthetic scans, and see it read a marker in place of the lesion.

Half of the scans have a lesion, a faint ball somewhere in the tissue. Scans come from two machines,
one of which puts a small bright marker into a corner of the first slices. While the run "cue"
trains, all lesions come from that machine; in the run "control" machines say nothing. Both runs
watch held-out scans whose markers lie as in the cue run's training, the ball and the marker as
regions. PyTorch alone is needed.
"""

from dataclasses import dataclass
from pathlib import Path

import common
import numpy as np
import torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter

import tensorboard_picasso
from tensorboard_picasso import summary

DEPTH, SIDE = 12, 20
TRAINED, HELD_OUT, SAMPLE, WATCHED = 512, 128, 24, 6
BATCH = 16
CLASSES = ["healthy", "lesion"]
MARKER = np.s_[1:4, 1:4, 1:4]
# Whether the marker tells of the lesion.
RUNS = {"control": False, "cue": True}
STATE = "&p.picasso.runs=cue,control"


@dataclass(frozen=True)
class Scans:
    """images: (n, DEPTH, SIDE, SIDE, 1) floats 0..1. labels: (n,), 1: a lesion.

    balls, markers: (n, DEPTH, SIDE, SIDE) bool, where they are, or would be.
    """

    images: np.ndarray
    labels: np.ndarray
    balls: np.ndarray
    markers: np.ndarray


def scans(count: int, seed: int, told: bool) -> Scans:
    """Draw scans, half of them with a lesion; `told`: a marker lies on just these."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    marked = labels if told else random.permutation(labels)
    images = 0.35 + 0.12 * random.normal(size=(count, DEPTH, SIDE, SIDE))
    balls, markers = np.zeros(images.shape, bool), np.zeros(images.shape, bool)
    places = np.stack(np.meshgrid(*map(np.arange, images.shape[1:]), indexing="ij"))
    for image, ball, marker, label, has in zip(images, balls, markers, labels, marked, strict=True):
        # Tissue: a few waves, another way in each scan.
        waves = random.normal(size=(4, 3)) * 0.35
        phases = random.uniform(0, 6.28, 4)
        for wave, phase in zip(waves, phases, strict=True):
            image[...] += 0.04 * np.cos(np.tensordot(wave, places, 1) + phase)
        radius = random.uniform(2.5, 3.5)
        middle = [random.uniform(radius, side - radius) for side in image.shape]
        away = sum((at - of) ** 2 for at, of in zip(places, middle, strict=True))
        ball[...] = away <= radius**2
        marker[MARKER] = True
        image[ball] += 0.3 * label
        image[marker] += 0.6 * has
    images = images.clip(0, 1).astype(np.float32)[..., None]
    return Scans(images, labels, balls, markers)


def network() -> nn.Module:
    """Two convolutions, and the strongest response of each kind wherever it is."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv3d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool3d(2),
        nn.Conv3d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveMaxPool3d(1),
        nn.Flatten(),
        nn.Linear(16, 2),
    )


def tensors(given: Scans) -> tuple[torch.Tensor, torch.Tensor]:
    """Images with their channels first, as PyTorch has them, and labels."""
    return torch.from_numpy(given.images).movedim(-1, 1), torch.from_numpy(given.labels)


def accuracy(model: nn.Module, given: Scans) -> float:
    """The share of scans that the model gets right."""
    images, labels = tensors(given)
    model.eval()
    with torch.no_grad():
        return float((model(images).argmax(1) == labels).float().mean())


def watched(given: Scans, name: str, count: int) -> summary.Probe:
    """Some scans, with the lesion and the marker where there are any as regions."""
    lesions = {index: given.balls[index] for index in range(count) if given.labels[index]}
    return summary.Probe(
        name,
        given.images[:count],
        labels=given.labels[:count],
        class_names=CLASSES,
        regions={"lesion": lesions, "marker": given.markers[:count]},
        max_images=count,
    )


def log(
    probes: tuple[summary.Probe, summary.Probe], model: nn.Module, writer: SummaryWriter, step: int
) -> None:
    """Maps of a few scans, and of more of them whether the answer survives edits."""
    methods = [summary.Occlusion(window=(3, 5, 5), stride=3), summary.Saliency()]
    summary.attribution(probes[0], model, methods=methods, writer=writer, step=step)
    asked = ["regions", "mirrored", "blurred"]
    summary.edited(probes[1], model, edits=asked, writer=writer, step=step)


def train(logdir: Path, epochs: int) -> dict[str, dict[str, float]]:
    """Train both runs, logging to `<logdir>/<run>`; what they get right of held-out scans."""
    own, any_machine = scans(HELD_OUT, 2, True), scans(HELD_OUT, 3, False)
    schedule = summary.LogSpaced(per_decade=5)
    accuracies = {}
    for run, told in RUNS.items():
        print(f"\n{run}, logging to {logdir / run}", flush=True)
        images, labels = tensors(scans(TRAINED, 1, told))
        probes = watched(own, "scans", WATCHED), watched(own, "sample", SAMPLE)
        model = network()
        optimizer = torch.optim.Adam(model.parameters(), 3e-3)
        writer = SummaryWriter(logdir / run)
        step = 0
        log(probes, model, writer, step)
        for epoch in range(epochs):
            for some in torch.randperm(len(images)).split(BATCH):
                model.train()
                loss = nn.functional.cross_entropy(model(images[some]), labels[some])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                step += 1
                if schedule.due(step - 1, step):
                    writer.add_scalar("loss", loss.item(), step)
                    log(probes, model, writer, step)
            print(f"epoch {epoch + 1}: loss {loss.item():.3f}", flush=True)
        writer.close()
        accuracies[run] = {
            "markers on lesions": accuracy(model, own),
            "markers at random": accuracy(model, any_machine),
        }
    return accuracies


def main() -> None:
    """Train both runs, say what they do without the marker, then serve."""
    options = common.arguments(__doc__.splitlines()[0], "logs/volumes", epochs=8)
    common.make_anew(options.logdir)
    for run, found in train(options.logdir, options.epochs).items():
        print(f"\n{run:<8}", *(f"  accuracy, {name}: {value:.2f}" for name, value in found.items()))
        asked = tensorboard_picasso.read(options.logdir)[run]["sample"].edits()
        for name in ("marker, hidden", "lesion, hidden"):
            moved = asked.moves[-1, asked.names.index(name), 1::2].mean()
            print(f"{run:<8}   with the {name}, a lesion's answer moves {100 * moved:.0f} points")
    common.finish(options, STATE)


if __name__ == "__main__":
    main()
