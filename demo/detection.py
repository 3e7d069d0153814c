"""Train a small detector on real digits strewn over a canvas, and watch what one of its boxes rests on.

Each watched image has a given box around one digit. Its score for a class is the best of
objectness times class probability among the predicted boxes that overlap the given one:
a function from the detector's outputs to scores, `score=`, in PyTorch's own tensors.
"""

from collections.abc import Iterator
from pathlib import Path

import common
import numpy as np
import torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter

from tensorboard_picasso import summary

SIDE, DIGIT = 64, 28
CELL = 8
BATCH, PER_EPOCH = 32, 125
WATCHED = 6
# How much of their union two boxes share that are of one digit.
OVERLAP = 0.3

Outputs = dict[str, torch.Tensor]


def strewn(
    images: np.ndarray, labels: np.ndarray, count: int, random: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Two digits on each of `count` canvases, which do not touch.

    Returns:
      Canvases (count, 1, SIDE, SIDE); boxes (count, 2, 4): left, top, right, bottom of the
      strokes, pixels; and classes (count, 2).
    """
    canvases = np.zeros((count, 1, SIDE, SIDE), np.float32)
    boxes, classes = np.zeros((count, 2, 4), np.float32), np.zeros((count, 2), np.int64)
    for canvas, box, kind in zip(canvases, boxes, classes, strict=True):
        above = random.permutation(2)
        for place, index in enumerate(random.integers(len(images), size=2)):
            digit = images[index, :, :, 0]
            rows, columns = (np.flatnonzero(digit.any(axis)) for axis in (1, 0))
            strokes = digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            height, width = strokes.shape
            top = above[place] * SIDE // 2 + random.integers(SIDE // 2 - height + 1)
            left = random.integers(SIDE - width + 1)
            canvas[0, top : top + height, left : left + width] = strokes
            box[place] = left, top, left + width, top + height
            kind[place] = labels[index]
    return torch.from_numpy(canvases), torch.from_numpy(boxes), torch.from_numpy(classes)


class Detector(nn.Module):
    """A box, its objectness and its class scores for each cell of CELL × CELL pixels."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in ((1, 16), (16, 32), (32, 64)):
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        self.body = nn.Sequential(
            *layers, nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Conv2d(64, 15, 1)
        at = torch.arange(SIDE // CELL) * CELL + CELL / 2
        centres = torch.stack(torch.meshgrid(at, at, indexing="xy"), dim=-1).reshape(-1, 2)
        self.register_buffer("centres", centres)

    def forward(self, x: torch.Tensor) -> Outputs:
        """Boxes (n, cells, 4), objectness (n, cells) and classes (n, cells, 10), as logits."""
        raw = self.head(self.body(x)).flatten(2).transpose(1, 2)
        middle = self.centres + CELL * raw[..., :2]
        half = DIGIT / 3 * raw[..., 2:4].clamp(max=2).exp()
        boxes = torch.cat([middle - half, middle + half], dim=-1)
        return {"boxes": boxes, "objectness": raw[..., 4], "classes": raw[..., 5:]}


def overlap(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Intersection over union of boxes (…, 4)."""
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    common_area = (high - low).clamp(min=0).prod(-1)
    areas = [(each[..., 2:] - each[..., :2]).prod(-1) for each in (a, b)]
    return common_area / (areas[0] + areas[1] - common_area)


def best_box(outputs: Outputs, box: torch.Tensor) -> torch.Tensor:
    """Scores (n, 10) of what is predicted at a given box (n, 4)."""
    sure = outputs["objectness"].sigmoid()[..., None] * outputs["classes"].softmax(-1)
    near = overlap(outputs["boxes"], box[:, None]) > OVERLAP
    return torch.where(near[..., None], sure, 0).amax(1)


def loss(outputs: Outputs, boxes: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """Of objectness, and of box and class at the cell in whose middle a digit's box lies."""
    side = SIDE // CELL
    cells = ((boxes[..., :2] + boxes[..., 2:]) / 2 / CELL).long().clamp(max=side - 1)
    at = cells[..., 1] * side + cells[..., 0]
    rows = torch.arange(len(boxes))[:, None]
    wanted = torch.zeros_like(outputs["objectness"])
    wanted[rows, at] = 1
    objects = nn.functional.binary_cross_entropy_with_logits(outputs["objectness"], wanted)
    kinds = nn.functional.cross_entropy(
        outputs["classes"][rows, at].flatten(0, 1), classes.flatten()
    )
    places = (outputs["boxes"][rows, at] - boxes).abs().mean() / CELL
    return 10 * objects + kinds + places


def watched(canvases: torch.Tensor, boxes: torch.Tensor, classes: torch.Tensor) -> summary.Probe:
    """A probe of one digit a canvas, with both digits as regions."""
    masks = []
    for pair in boxes.long().tolist():
        mask = np.zeros((2, SIDE, SIDE), bool)
        for region, (left, top, right, bottom) in zip(mask, pair, strict=True):
            region[top:bottom, left:right] = True
        masks.append(mask)
    return summary.Probe(
        "boxes",
        canvases,
        labels=classes[:, 0].numpy(),
        class_names=[str(digit) for digit in range(10)],
        score=best_box,
        score_inputs={"box": boxes[:, 0]},
        regions={
            "its digit": np.stack([each[0] for each in masks]),
            "the other": np.stack([each[1] for each in masks]),
        },
    )


def steps(model: Detector, data: tuple[np.ndarray, np.ndarray], epochs: int) -> Iterator[float]:
    """Train, batch by batch; gives the loss of each."""
    random = np.random.default_rng(0)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    for _ in range(epochs * PER_EPOCH):
        canvases, boxes, classes = strewn(*data, BATCH, random)
        off = loss(model(canvases), boxes, classes)
        optimizer.zero_grad()
        off.backward()
        optimizer.step()
        yield off.item()


def train(logdir: Path, epochs: int) -> None:
    """Train and log to `<logdir>/detector`."""
    torch.manual_seed(0)
    training, held_out = common.digits()
    examples = strewn(*held_out, 500, np.random.default_rng(1))
    probe = watched(*(each[:WATCHED] for each in examples))
    methods = [summary.Occlusion(positions=9), summary.Saliency()]
    model, schedule = Detector(), summary.LogSpaced(per_decade=8)
    with SummaryWriter(logdir / "detector") as writer:

        def log(step: int) -> None:
            at = {"step": step, "epoch": step / PER_EPOCH}
            summary.attribution(probe, model, methods=methods, writer=writer, **at)

        log(0)
        for step, off in enumerate(steps(model, training, epochs), start=1):
            if schedule.due(step - 1, step):
                writer.add_scalar("loss", off, step)
                log(step)
        with torch.no_grad():
            predicted = best_box(model(examples[0]), examples[1][:, 0]).argmax(1)
    right = float((predicted == examples[2][:, 0]).float().mean())
    print(f"right class at the given box of held-out canvases: {right:.1%}")


def main() -> None:
    """Train, then serve."""
    common.run(train, __doc__.splitlines()[0], "logs/detection", epochs=8)


if __name__ == "__main__":
    main()
