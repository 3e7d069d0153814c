"""Train a small PyTorch network on real digits twice, and watch what it uses.

Two runs differ in their learning rate alone. Each logs loss, accuracy, class scores,
occlusion and saliency of 12 held-out digits at about 60 checkpoints, dense early and sparse
late, to a directory that TensorBoard then serves. No TensorFlow is needed.
"""

from collections.abc import Iterator
from pathlib import Path

import common
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.tensorboard import SummaryWriter

from tensorboard_picasso import summary

LEARNING_RATES = (1e-3, 5e-4)
BATCH = 32

Split = tuple[torch.Tensor, torch.Tensor]


def tensors(images: np.ndarray, labels: np.ndarray) -> Split:
    """Digits as PyTorch has them, channels first."""
    return torch.from_numpy(images).permute(0, 3, 1, 2), torch.from_numpy(labels).long()


def network() -> nn.Module:
    """A small convolutional network."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 16, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Linear(800, 10),
    )


def steps(model: nn.Module, rate: float, training: Split, epochs: int) -> Iterator[float]:
    """Train, batch by batch; gives the loss of each."""
    loader = DataLoader(TensorDataset(*training), BATCH, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), rate)
    for _ in range(epochs):
        for images, labels in loader:
            model.train()
            loss = nn.functional.cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            yield loss.item()


def scores(model: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Scores of images in evaluation mode."""
    model.eval()
    with torch.no_grad():
        return model(images)


def accuracy(model: nn.Module, split: Split) -> float:
    """The fraction of images that the model gets right."""
    return float((scores(model, split[0]).argmax(1) == split[1]).float().mean())


def train(logdir: Path, epochs: int) -> None:
    """Train once for each learning rate, logging to `<logdir>/lr<rate>`."""
    training, held_out = (tensors(*split) for split in common.digits())
    novice = network()
    list(steps(novice, 1e-3, (training[0][:800], training[1][:800]), 1))
    hard = scores(novice, held_out[0]).numpy()
    schedule = summary.LogSpaced(per_decade=28)
    per_epoch = -(-len(training[0]) // BATCH)
    for rate in LEARNING_RATES:
        run = logdir / f"lr{rate:g}"
        print(f"\nlearning rate {rate:g}, logging to {run}", flush=True)
        model = network()
        probe = common.watched(held_out[0], held_out[1].numpy(), hard)
        writer = SummaryWriter(run)
        summary.attribution(probe, model, writer=writer, step=0, epoch=0)
        for step, loss in enumerate(steps(model, rate, training, epochs), start=1):
            if schedule.due(step - 1, step):
                epoch = step / per_epoch
                writer.add_scalar("loss", loss, step)
                summary.attribution(probe, model, writer=writer, step=step, epoch=epoch)
            if step % per_epoch == 0:
                right = accuracy(model, held_out)
                writer.add_scalar("held-out accuracy", right, step)
                print(f"epoch {step // per_epoch}: loss {loss:.3f}, held out {right:.3f}")
        writer.close()
        print(f"learning rate {rate:g}: held-out accuracy {accuracy(model, held_out):.1%}")


def main() -> None:
    """Train, then serve."""
    common.run(train, __doc__.splitlines()[0], "logs/torch_digits", epochs=8)


if __name__ == "__main__":
    main()
