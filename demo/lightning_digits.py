"""Train the PyTorch digits demo with Lightning: one callback logs the maps.

Two runs differ in their learning rate alone. Lightning's own logger writes the loss, the
callback beside it class scores, occlusion and saliency of 12 held-out digits at about 60
checkpoints, dense early and sparse late. No TensorFlow is needed.
"""

import sys
from pathlib import Path

import common
import lightning.pytorch as lightning
import torch
import torch_digits
from lightning.pytorch.loggers import TensorBoardLogger
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from tensorboard_picasso import summary


class Classifier(lightning.LightningModule):
    """The network with its loss and optimizer."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.network = torch_digits.network()
        self.rate = rate

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits of a batch."""
        return self.network(images)

    def training_step(self, batch: torch_digits.Split, index: int) -> torch.Tensor:
        """The loss of a batch."""
        images, labels = batch
        loss = nn.functional.cross_entropy(self(images), labels)
        self.log("loss", loss, prog_bar=True)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam."""
        return torch.optim.Adam(self.parameters(), self.rate)


def trainer(epochs: int, **options: object) -> lightning.Trainer:
    """A trainer on this machine's processor that saves no checkpoints."""
    return lightning.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=sys.stdout.isatty(),
        log_every_n_steps=10,
        **options,
    )


def train(logdir: Path, epochs: int) -> None:
    """Train once for each learning rate, logging to `<logdir>/lr<rate>`."""
    training, held_out = (torch_digits.tensors(*split) for split in common.digits())
    batches = DataLoader(TensorDataset(*training), torch_digits.BATCH, shuffle=True)
    novice = Classifier(1e-3)
    trainer(1, limit_train_batches=25, logger=False).fit(novice, batches)
    hard = torch_digits.scores(novice, held_out[0]).numpy()
    for rate in torch_digits.LEARNING_RATES:
        run = logdir / f"lr{rate:g}"
        print(f"\nlearning rate {rate:g}, logging to {run}", flush=True)
        model = Classifier(rate)
        probe = common.watched(held_out[0], held_out[1].numpy(), hard)
        logger = TensorBoardLogger(logdir, name="", version=run.name)
        callback = summary.LightningCallback(probe, schedule=summary.LogSpaced(per_decade=28))
        trainer(epochs, logger=logger, callbacks=[callback]).fit(model, batches)
        accuracy = torch_digits.accuracy(model, held_out)
        print(f"learning rate {rate:g}: held-out accuracy {accuracy:.1%}")


def main() -> None:
    """Train, then serve."""
    common.run(train, __doc__.splitlines()[0], "logs/lightning_digits", epochs=8)


if __name__ == "__main__":
    main()
