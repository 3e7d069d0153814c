"""Peers' situation: Lightning runs with several loggers, with one of their own, without any, and rehearsals."""

import lightning.pytorch as lightning
import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import BatchSizeFinder, LearningRateFinder
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from torch.utils.data import DataLoader, TensorDataset

from tensorboard_picasso import summary
from tensorboard_picasso.summary.kit import report
from tests.kit import events
from tests.kit.serving import tensorboard
from tests.summary.loops.test_torch import METHODS, Module, equal, examples, probe


class Own(Logger):
    """A logger to somewhere else, as to a database: it has no directory."""

    name, version = "own", 0

    def log_metrics(self, metrics, step=None):
        pass

    def log_hyperparams(self, *args, **kwargs):
        pass


class Raising(Own):
    @property
    def log_dir(self):
        raise NotImplementedError


def fit(directory, logger, *, log_dir=None, **options):
    torch.manual_seed(1)
    report._said.clear()
    module = Module()
    watched = summary.LightningCallback(probe(), log_dir, summary.EverySteps(4), methods=METHODS)
    trainer = lightning.Trainer(
        default_root_dir=directory / "root", accelerator="cpu", logger=logger,
        callbacks=[watched], enable_progress_bar=False, enable_model_summary=False,
        **{"max_epochs": 1, "enable_checkpointing": False, **options},
    )  # fmt: skip
    loader = DataLoader(TensorDataset(*examples()), 4, shuffle=True)
    trainer.fit(module, loader)
    return trainer, module


def logged(directory):
    return {
        str(path.parent.relative_to(directory))
        for path in directory.rglob("*tfevents*")
        if b"picasso" in path.read_bytes()
    }


@pytest.mark.parametrize("tensorboard_first", [True, False])
def test_of_two_loggers_that_of_tensorboard_is_taken(tensorboard_first, tmp_path, capsys):
    loggers = [
        CSVLogger(tmp_path / "csv", name="a"),
        TensorBoardLogger(tmp_path / "tb", name="b"),
    ]
    fit(tmp_path, loggers[::-1] if tensorboard_first else loggers)
    assert sorted(events.whole_scores(tmp_path)) == [0, 4, 6]
    assert logged(tmp_path) == {"tb/b/version_0/picasso"}
    where = tmp_path / "tb" / "b" / "version_0" / "picasso"
    assert f'probe "p" is logged to {where}; log_dir= says otherwise' in capsys.readouterr().err
    with tensorboard(tmp_path / "tb"):
        pass  # it is shown in the run that TensorBoard has of this training
    fit(tmp_path, loggers, log_dir=tmp_path / "named")
    assert "is logged to" not in capsys.readouterr().err
    assert logged(tmp_path) == {"tb/b/version_0/picasso", "named/picasso"}


@pytest.mark.parametrize(
    ("logger", "where"),
    [
        (Own(), "root/picasso"),
        (Raising(), "root/picasso"),
        (False, "root/picasso"),
        (None, "root/lightning_logs/version_0/picasso"),
        ([Own(), Raising()], "root/picasso"),
    ],
)
def test_a_logger_without_a_directory_leaves_the_trainers_own(logger, where, tmp_path, capsys):
    fit(tmp_path, logger)
    assert sorted(events.whole_scores(tmp_path)) == [0, 4, 6]
    assert logged(tmp_path) == {where}
    assert f"is logged to {tmp_path / where}" in capsys.readouterr().err


def test_behind_one_without_a_directory_the_next_logger_has_one(tmp_path):
    fit(tmp_path, [Own(), CSVLogger(tmp_path / "csv", name="a")])
    assert logged(tmp_path) == {"csv/a/version_0/picasso"}


@pytest.mark.parametrize("logger", [None, False, "csv"])
def test_a_rehearsal_tries_the_probe_and_logs_nothing(logger, tmp_path, capsys):
    logger = CSVLogger(tmp_path / "csv") if logger == "csv" else logger
    _, module = fit(tmp_path, logger, fast_dev_run=True)
    said = capsys.readouterr().err
    assert (
        'probe "p" was tried before training, and is not logged: fast_dev_run logs nothing' in said
    )
    assert not list(tmp_path.rglob("*tfevents*"))
    torch.manual_seed(1)
    other = Module()
    alone = lightning.Trainer(
        fast_dev_run=True, accelerator="cpu", enable_progress_bar=False, enable_model_summary=False
    )
    alone.fit(other, DataLoader(TensorDataset(*examples()), 4, shuffle=True))
    equal(module.state_dict(), other.state_dict())
    # What does not go together is found out there.
    wrong = summary.Probe("p", np.zeros((2, 3, 8, 8), np.float32), data_format="channels_first")
    for given in ({"log_dir": tmp_path / "given"}, {"writer": str(tmp_path / "given")}, {}):
        trainer = lightning.Trainer(
            fast_dev_run=True, accelerator="cpu", enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[summary.LightningCallback(wrong, methods=METHODS, **given)],
        )  # fmt: skip
        with pytest.raises((TypeError, ValueError), match="channels"):
            trainer.fit(Module(), DataLoader(TensorDataset(*examples()), 4))
    assert not list(tmp_path.rglob("*tfevents*"))


class Tuned(Module):
    """What Lightning's tuner changes before training."""

    def __init__(self):
        super().__init__()
        self.lr, self.batch_size = 0.1, 2

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), self.lr)

    def train_dataloader(self):
        return DataLoader(TensorDataset(*examples()), self.batch_size, shuffle=True)

    def validation_step(self, batch, _):
        self.log("loss", self.training_step(batch, 0))

    def val_dataloader(self):
        return DataLoader(TensorDataset(*examples()), 4)


def tuned(directory, *callbacks, **options):
    torch.manual_seed(1)
    return lightning.Trainer(
        default_root_dir=directory, accelerator="cpu", logger=False, callbacks=list(callbacks),
        enable_progress_bar=False, enable_model_summary=False, max_epochs=1, **options,
    )  # fmt: skip


def test_checks_tuners_and_validation_log_nothing_of_their_own(tmp_path):
    watched = summary.LightningCallback(probe(), tmp_path, summary.EverySteps(4), methods=METHODS)
    trainer = tuned(
        tmp_path / "root", watched, LearningRateFinder(num_training_steps=5),
        BatchSizeFinder(max_trials=1, steps_per_trial=1), num_sanity_val_steps=2,
    )  # fmt: skip
    module = Tuned()
    trainer.validate(module)
    assert not list(tmp_path.rglob("*tfevents*"))
    trainer.fit(module)
    steps = sorted(events.whole_scores(tmp_path))
    assert steps[:2] == [0, 4]
    assert steps[-1] == trainer.global_step
    trainer.validate(module)
    assert sorted(events.whole_scores(tmp_path)) == steps


def test_a_training_that_is_gone_on_with_goes_on_in_the_log(tmp_path):
    watched = summary.LightningCallback(probe(), tmp_path, summary.EverySteps(4), methods=METHODS)
    trainer, module = tuned(tmp_path / "root", watched), Tuned()
    trainer.fit(module)
    trainer.fit_loop.max_epochs = 2
    trainer.fit(module)
    assert sorted(events.whole_scores(tmp_path)) == [0, 4, 8, 12, 16, 20, 24]
    tuned(tmp_path / "root", watched).fit(Tuned())  # from the start: its records replace the others
    assert 0 in events.whole_scores(tmp_path)
