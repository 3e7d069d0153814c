"""Callbacks of Lightning and of transformers: when they log, and that training stays the same."""

import subprocess
import sys
from pathlib import Path

import lightning.pytorch as lightning
import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from transformers import Trainer, TrainingArguments, ViTConfig, ViTForImageClassification

from tensorboard_picasso import record, summary
from tensorboard_picasso.export.events import EventReader
from tensorboard_picasso.metadata import Kind
from tensorboard_picasso.reading import Problems, only, unpacked

BATCHES, BATCH = 6, 4
SIZE = (1, 8, 8)
METHODS = [summary.Occlusion(4, 4)]


def examples():
    random = np.random.default_rng(0)
    images = random.random((BATCHES * BATCH, *SIZE)).astype(np.float32)
    return torch.from_numpy(images), torch.from_numpy(random.integers(0, 3, len(images)))


def probe():
    images, labels = examples()
    return summary.Probe("p", images[:2].numpy(), labels=labels[:2], data_format="channels_first")


def logged(directory, run="picasso"):
    """Epoch by step of the first image, as they stand in the event files."""
    reader = EventReader(Path(directory), lambda text: None)
    tags = only(reader.of_probe(run, "p"), Kind.SCORES, [0])
    return {
        at.step: each.epoch
        for series, stored in reader.tensors(run, tags).items()
        for at, each in unpacked(series, stored, record.unpack_scores, Problems())
    }


class Module(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.network = nn.Sequential(
            nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Dropout(0.5), nn.Linear(108, 3)
        )

    def forward(self, x):
        return self.network(x)

    def training_step(self, batch, _):
        images, labels = batch
        return nn.functional.cross_entropy(self(images), labels)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1, momentum=0.9)


def fit(directory, *callbacks, epochs=2, **options):
    torch.manual_seed(1)
    module = Module()
    trainer = lightning.Trainer(
        max_epochs=epochs, accelerator="cpu", logger=CSVLogger(directory, name="log"),
        callbacks=list(callbacks), enable_progress_bar=False, enable_model_summary=False,
        enable_checkpointing=any(isinstance(each, ModelCheckpoint) for each in callbacks),
        **options,
    )  # fmt: skip
    trainer.fit(module, DataLoader(TensorDataset(*examples()), BATCH, shuffle=True))
    return trainer, module


def equal(a, b):
    assert a.keys() == b.keys()
    for name, value in a.items():
        assert torch.equal(value, b[name]), name


def test_lightning_logs_beside_its_own_logger(tmp_path):
    callback = summary.LightningCallback(probe(), None, summary.EverySteps(4), methods=METHODS)
    trainer, _ = fit(tmp_path, callback)
    assert logged(trainer.log_dir) == pytest.approx({0: 0, 4: 4 / 6, 8: 8 / 6, 12: 2})


def test_lightning_ends_in_the_same_weights(tmp_path):
    with_it = summary.LightningCallback(
        probe(), None, summary.EverySteps(1), model=lambda module: module.network
    )
    _, watched = fit(tmp_path / "a", with_it)
    _, alone = fit(tmp_path / "b")
    equal(watched.state_dict(), alone.state_dict())
    assert watched.training == alone.training


def test_lightning_counts_optimizer_steps(tmp_path):
    callback = summary.LightningCallback(probe(), None, summary.EverySteps(1), methods=METHODS)
    trainer, _ = fit(tmp_path, callback, epochs=1, accumulate_grad_batches=2)
    assert list(logged(trainer.log_dir)) == [0, 1, 2, 3]


def test_lightning_logs_where_it_saves(tmp_path):
    callback = summary.LightningCallback(
        probe(), tmp_path / "run", summary.OnCheckpoint(), methods=METHODS
    )
    saving = ModelCheckpoint(tmp_path / "saved", every_n_train_steps=5, save_top_k=-1)
    fit(tmp_path, callback, saving)
    assert logged(tmp_path / "run") == pytest.approx({5: 5 / 6, 10: 10 / 6})


def test_what_does_not_go_together_is_said_before_training(tmp_path):
    images = np.zeros((2, 3, 8, 8), np.float32)
    wrong = summary.Probe("p", images, data_format="channels_first")
    with pytest.raises((TypeError, ValueError), match="channels"):
        fit(tmp_path, summary.LightningCallback(wrong))
    for loop in (summary.LightningCallback, summary.TransformersCallback):
        with pytest.raises(ValueError, match=r"pass one|instead"):
            loop(probe(), "a", writer="b")
        with pytest.raises(TypeError, match="schedule="):
            loop(probe(), "a", schedule=3)
    with pytest.raises(ValueError, match="log_dir="):
        summary.TransformersCallback(probe())


# Processes of a group leave without Python's own end: a thread of PyTorch that still lets go of the
# last collective's objects aborts there.
PARALLEL = """
import os
import sys
sys.path.insert(0, {root!r})
from tests.test_torch_loops import METHODS, fit, probe
from tensorboard_picasso import summary

if __name__ == "__main__":
    callback = summary.LightningCallback(probe(), {run!r}, summary.EverySteps(2), methods=METHODS)
    fit({run!r} + "-own", callback, epochs=1, strategy="ddp", devices=2)
    os._exit(0)
"""


def test_of_two_processes_one_writes(tmp_path, request):
    script = tmp_path / "train.py"
    run = tmp_path / "run"
    script.write_text(PARALLEL.format(root=str(request.config.rootpath), run=str(run)))
    subprocess.run([sys.executable, script], check=True, timeout=300)
    assert list(logged(run)) == [0, 2]  # three steps of two processes each
    assert len(list((run / "picasso").iterdir())) == 1


GLOO = """
import os
import sys
sys.path.insert(0, {root!r})
import torch
from torch import nn
from tests import test_torch_loops as loops
from tensorboard_picasso import summary

rank, run = int(sys.argv[1]), sys.argv[2]
torch.distributed.init_process_group(
    "gloo", init_method="file://" + run + "-group", rank=rank, world_size=2
)
torch.manual_seed(0)
network = loops.Module().network
model = nn.parallel.DistributedDataParallel(network)
optimizer = torch.optim.SGD(model.parameters(), 0.1)
images, labels = loops.examples()
probe, answers = loops.probe(), []
for step in range(3):
    mine = slice((2 * step + rank) * loops.BATCH, (2 * step + rank + 1) * loops.BATCH)
    loss = nn.functional.cross_entropy(model(images[mine]), labels[mine])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if sys.argv[3] == "logged":
        answers.append(
            summary.attribution(
                probe, model, methods=loops.METHODS, writer=run, step=step, strict=True
            )
        )
assert answers == ([] if sys.argv[3] == "alone" else [rank == 0] * 3), answers
if not rank:
    torch.save(network.state_dict(), run + "-weights")
torch.distributed.destroy_process_group()
summary.flush()
os._exit(0)
"""


def in_two_processes(script, *arguments):
    both = [
        subprocess.Popen([sys.executable, script, str(rank), *map(str, arguments)])
        for rank in range(2)
    ]
    try:
        assert [each.wait(timeout=300) for each in both] == [0, 0]
    finally:
        for each in both:
            each.kill()


def test_of_two_processes_that_call_the_op_one_writes(tmp_path, request):
    script = tmp_path / "train.py"
    script.write_text(GLOO.format(root=str(request.config.rootpath)))
    in_two_processes(script, tmp_path / "run", "logged")
    in_two_processes(script, tmp_path / "other", "alone")
    assert list(logged(tmp_path, "run")) == [0, 1, 2]
    assert len(list((tmp_path / "run").iterdir())) == 1
    equal(torch.load(f"{tmp_path}/run-weights"), torch.load(f"{tmp_path}/other-weights"))


class Images(torch.utils.data.Dataset):
    def __len__(self):
        return BATCHES * BATCH

    def __getitem__(self, index):
        images, labels = examples()
        return {"pixel_values": images[index], "labels": labels[index]}


def train(directory, *callbacks, **options):
    torch.manual_seed(0)
    model = ViTForImageClassification(
        ViTConfig(
            hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8,
            image_size=8, patch_size=4, num_channels=1, num_labels=3, hidden_dropout_prob=0.5,
        )
    )  # fmt: skip
    settings = {"save_strategy": "no", "num_train_epochs": 2, **options}
    arguments = TrainingArguments(
        directory, per_device_train_batch_size=BATCH, use_cpu=True, report_to=[],
        disable_tqdm=True, seed=0, **settings,
    )  # fmt: skip
    trainer = Trainer(model, arguments, train_dataset=Images(), callbacks=list(callbacks))
    trainer.train()
    return model


def test_transformers_logs_and_ends_in_the_same_weights(tmp_path):
    callback = summary.TransformersCallback(
        probe(), tmp_path / "run", summary.EverySteps(5), methods=METHODS
    )
    watched = train(tmp_path / "a", callback)
    assert logged(tmp_path / "run") == pytest.approx({0: 0, 5: 5 / 6, 10: 10 / 6})
    equal(watched.state_dict(), train(tmp_path / "b").state_dict())


def test_transformers_logs_at_epochs_and_where_it_saves(tmp_path):
    epochs = summary.TransformersCallback(
        probe(), tmp_path / "epochs", summary.EveryEpochs(1), methods=METHODS
    )
    saves = summary.TransformersCallback(
        probe(), writer=str(tmp_path / "saves"), schedule=summary.OnCheckpoint(), methods=METHODS
    )
    train(tmp_path / "a", epochs, saves, save_strategy="steps", save_steps=4)
    assert list(logged(tmp_path / "epochs")) == [0, 6, 12]
    assert list(logged(tmp_path, "saves")) == [4, 8, 12]
