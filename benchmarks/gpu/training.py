"""What records take of a training: ResNet-50, 16 images, occlusion and saliency."""

import contextlib
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.occlusion import torch_models
from benchmarks.occlusion.cases import images
from tensorboard_picasso import summary

IMAGES, EPOCH = 16, 50_000


def measured(
    device: str, quick: bool, cast: bool, batch: int = 128, steps: int = 12, records: int = 4
) -> dict[str, Any]:
    """Seconds of steps and of records, the first of each apart.

    Args:
      device: of the training.
      quick: a small network in place of ResNet-50.
      cast: whether the training is under autocast to bfloat16; records are not.
      batch: images of a step, which lie on the device: no loader is timed.
      steps, records: how many are timed.
    """
    name, side, channels, occlusion = (
        ("cnn28", 28, 1, summary.Occlusion(8, 4)) if quick
        else ("resnet50", 224, 3, summary.Occlusion(16, 8))
    )  # fmt: skip
    batch, steps, records = (8, 2, 2) if quick else (batch, steps, records)
    pictures = images(IMAGES, (side, side, channels))
    model: Any = torch_models.build(name, pictures[:4]).to(device).train()
    if not quick:
        model = model.to(memory_format=torch.channels_last)
    classes = model[-1].out_features
    given = torch.rand(batch, channels, side, side, device=device) * 255
    given = given if quick else given.to(memory_format=torch.channels_last)
    wanted = torch.randint(classes, (batch,), device=device)
    optimizer = torch.optim.SGD(model.parameters(), 1e-4, momentum=0.9)
    loss = torch.nn.CrossEntropyLoss()
    probe = summary.Probe("gpu", pictures, labels=np.arange(IMAGES) % classes, value_range=(0, 255))

    def step() -> None:
        optimizer.zero_grad()
        with torch.autocast(device, torch.bfloat16) if cast else contextlib.nullcontext():
            value = loss(model(given), wanted)
        value.backward()
        optimizer.step()

    def waited() -> None:
        if device == "cuda":
            torch.cuda.synchronize()

    def clocked(call: Any) -> float:
        waited()
        started = time.perf_counter()
        call()
        waited()
        return time.perf_counter() - started

    took: list[float] = []
    called: list[float] = []
    written: list[float] = []
    with tempfile.TemporaryDirectory() as folder:

        def record(number: int) -> None:
            summary.attribution(
                probe,
                model,
                methods=[occlusion, summary.Saliency()],
                writer=Path(folder),
                step=number,
                strict=True,
            )

        for number in range(records + 1):
            for _ in range(3 if number else 1):
                clocked(step)
            took.append(clocked(lambda: [step() for _ in range(steps)]) / steps)
            started = time.perf_counter()
            record(number)
            called.append(time.perf_counter() - started)
            summary.flush()
            written.append(time.perf_counter() - started)
        summary.flush()
        size = sum(each.stat().st_size for each in Path(folder).rglob("*") if each.is_file())
        waiting = model.training
    seconds = statistics.median(took[1:])
    epoch = seconds * EPOCH / batch
    return {
        "model": name,
        "training": "autocast to bfloat16" if cast else "float32",
        "batch": batch,
        "step_seconds": seconds,
        "epoch_seconds": epoch,
        "first_record_seconds": called[0],
        "record_seconds": called[1:],
        "written_seconds": written[1:],
        "share": statistics.median(called[1:]) / epoch,
        "bytes": size,
        "told": str(summary.explain_plan(probe, model, occlusion)).splitlines()[0],
        "training_mode_kept": waiting,
    }
