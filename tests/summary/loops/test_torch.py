"""Callbacks of Lightning and of transformers: when they log, and that training stays the same."""

import subprocess
import sys

import lightning.pytorch as lightning
import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from transformers import (
    EarlyStoppingCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    ViTConfig,
    ViTForImageClassification,
)
from transformers.modeling_outputs import ImageClassifierOutput

import tensorboard_picasso
from tensorboard_picasso import summary
from tests.kit import events

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
    scores = tensorboard_picasso.read(directory)[run]["p"].scores(0)
    return dict(zip(scores.steps.tolist(), scores.epochs.tolist(), strict=True))


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


SELDOM = [summary.LogSpaced(1), summary.EverySteps(100), summary.EveryEpochs(5)]


@pytest.mark.parametrize("schedule", SELDOM, ids=lambda schedule: type(schedule).__name__)
@pytest.mark.parametrize(
    ("options", "steps", "epoch"),
    [({}, 12, 2), ({"max_steps": 8}, 8, 8 / 6), ({"limit_train_batches": 3}, 6, 2)],
)
def test_lightning_ends_in_a_record(tmp_path, schedule, options, steps, epoch):
    callback = summary.LightningCallback(probe(), tmp_path / "run", schedule, methods=METHODS)
    fit(tmp_path, callback, **options)
    found = logged(tmp_path / "run")
    assert list(found)[-1] == steps
    assert found[steps] == pytest.approx(epoch)
    assert len(scores_written(tmp_path / "run" / "picasso")) == len(found)


def scores_written(directory):
    """Steps of image 0's scores, in the order in which they were written."""
    return [step for step, value in events.values(directory) if value.tag == "p/scores"]


class Stop(lightning.Callback):
    """Ends a training at a batch, as asked or as Ctrl-C does."""

    def __init__(self, error=None):
        self.error = error

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        if batch_idx == 3:
            trainer.should_stop = True
            if self.error is not None:
                raise self.error


def test_lightning_ends_in_a_record_where_it_stops_early_and_not_where_it_was_interrupted(tmp_path):
    def callback(run):
        return summary.LightningCallback(probe(), tmp_path / run, SELDOM[1], methods=METHODS)

    fit(tmp_path, callback("early"), Stop())
    assert list(logged(tmp_path / "early")) == [0, 4]
    raising = callback("interrupted")
    with pytest.raises(RuntimeError, match="by me"):
        fit(tmp_path, raising, Stop(RuntimeError("by me")))
    assert list(logged(tmp_path / "interrupted")) == [0]
    # The same callback serves the next fit, which starts anew or takes no step.
    fit(tmp_path, raising, epochs=0)
    assert list(logged(tmp_path / "interrupted")) == [0]
    fit(tmp_path, raising, epochs=1)
    assert list(logged(tmp_path / "interrupted")) == [0, 6]


def test_lightning_goes_on_from_a_checkpoint_and_ends_in_a_record(tmp_path):
    callback = summary.LightningCallback(probe(), tmp_path / "run", SELDOM[1], methods=METHODS)
    trainer, module = fit(tmp_path, callback, epochs=1)
    trainer.save_checkpoint(tmp_path / "one.ckpt")
    for epochs in (1, 2):
        again = lightning.Trainer(
            max_epochs=epochs, accelerator="cpu", logger=False, callbacks=[callback],
            enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        )  # fmt: skip
        loader = DataLoader(TensorDataset(*examples()), BATCH)
        again.fit(module, loader, ckpt_path=tmp_path / "one.ckpt")
    assert scores_written(tmp_path / "run") == [0, 6, 12]


# Processes of a group leave without Python's own end: a thread of PyTorch that still lets go of the
# last collective's objects aborts there.
PARALLEL = """
import os
import sys
sys.path.insert(0, {root!r})
from tests.summary.loops.test_torch import METHODS, fit, probe
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
    assert list(logged(run)) == [0, 2, 3]  # three steps of two processes each
    assert len(list((run / "picasso").iterdir())) == 1


GLOO = """
import os
import sys
sys.path.insert(0, {root!r})
import torch
from torch import nn
from tests.summary.loops import test_torch as loops
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


class Plain(nn.Module):
    """A module of one's own: transformers brings its own back from a file with other names."""

    def __init__(self):
        super().__init__()
        self.network = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))

    def forward(self, pixel_values, labels=None):
        logits = self.network(pixel_values)
        loss = None if labels is None else nn.functional.cross_entropy(logits, labels)
        return ImageClassifierOutput(loss=loss, logits=logits)


def train(directory, *callbacks, model=None, **options):
    torch.manual_seed(0)
    model = model or ViTForImageClassification(
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
    trainer = Trainer(
        model, arguments, train_dataset=Images(), eval_dataset=Images(), callbacks=list(callbacks),
        compute_metrics=lambda _: {"falling": -trainer.state.global_step},
    )  # fmt: skip
    trainer.train()
    return model


def test_transformers_logs_and_ends_in_the_same_weights(tmp_path):
    callback = summary.TransformersCallback(
        probe(), tmp_path / "run", summary.EverySteps(5), methods=METHODS
    )
    watched = train(tmp_path / "a", callback)
    assert logged(tmp_path / "run") == pytest.approx({0: 0, 5: 5 / 6, 10: 10 / 6, 12: 2})
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


@pytest.mark.parametrize("schedule", SELDOM, ids=lambda schedule: type(schedule).__name__)
def test_transformers_ends_in_a_record(tmp_path, schedule):
    callback = summary.TransformersCallback(probe(), tmp_path / "run", schedule, methods=METHODS)
    train(tmp_path / "a", callback, max_steps=8)
    found = logged(tmp_path / "run")
    assert list(found)[-1] == 8
    assert found[8] == pytest.approx(8 / 6)
    assert len(scores_written(tmp_path / "run")) == len(found)
    # One that takes no step has its first record alone.
    callback = summary.TransformersCallback(probe(), tmp_path / "none", schedule, methods=METHODS)
    train(tmp_path / "b", callback, num_train_epochs=0)
    assert scores_written(tmp_path / "none") == [0]


@pytest.mark.parametrize("first", [False, True], ids=["after", "before"])
def test_transformers_last_record_is_of_the_last_step_not_of_the_best(tmp_path, first):
    """The metric only falls, so that the first evaluation is the best and training stops early."""
    weights = {}

    class Keep(TrainerCallback):
        def on_step_end(self, args, state, control, model=None, **_):
            weights[state.global_step] = {k: v.clone() for k, v in model.state_dict().items()}

    logging = summary.TransformersCallback(probe(), tmp_path / "run", SELDOM[1], methods=METHODS)
    stop = EarlyStoppingCallback(early_stopping_patience=1)
    model = train(
        tmp_path / "a", Keep(), *([logging, stop] if first else [stop, logging]),
        load_best_model_at_end=True, metric_for_best_model="falling", greater_is_better=True,
        eval_strategy="steps", eval_steps=3, save_strategy="best", learning_rate=0.1,
        num_train_epochs=3, model=Plain(),
    )  # fmt: skip
    assert list(logged(tmp_path / "run")) == [0, 6]
    equal(model.state_dict(), weights[3])
    model.load_state_dict(weights[6])
    summary.attribution(
        probe(), model, methods=METHODS, writer=tmp_path / "beside", step=6, strict=True
    )
    found, expected = (events.whole_scores(tmp_path / name)[6] for name in ("run", "beside"))
    assert found == pytest.approx(expected, abs=1e-5)


def test_transformers_interrupted_leaves_no_record_of_its_end(tmp_path):
    class Raise(TrainerCallback):
        def on_step_end(self, args, state, control, **_):
            if state.global_step == 4:
                raise KeyboardInterrupt

    callback = summary.TransformersCallback(probe(), tmp_path / "run", SELDOM[1], methods=METHODS)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "a", callback, Raise())
    assert list(logged(tmp_path / "run")) == [0]
