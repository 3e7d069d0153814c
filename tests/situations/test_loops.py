"""Loops at their edges: nothing to train, evaluation alone, a single step, sharded by Lightning."""

import subprocess
import sys

from tensorboard_picasso import summary
from tests.kit import events
from tests.summary.loops.test_keras import IMAGES, LABELS, fit, network, probe, steps_in
from tests.summary.loops.test_torch import METHODS, train
from tests.summary.loops.test_torch import probe as torch_probe


def test_keras_without_epochs_or_training_logs_nothing(tmp_path):
    model = network()
    callback = summary.KerasCallback(
        probe(), tmp_path, summary.EverySteps(4), methods=[], strict=True
    )
    fit(model, callback, epochs=0)
    model.evaluate(IMAGES, LABELS, verbose=0, callbacks=[callback])
    model.predict(IMAGES, verbose=0, callbacks=[callback])
    assert steps_in(tmp_path) == []
    fit(model, callback, epochs=1)  # 8 steps
    model.evaluate(IMAGES, LABELS, verbose=0, callbacks=[callback])
    fit(model, callback, epochs=1)
    assert steps_in(tmp_path) == [0, 4, 8, 12, 16]


def test_transformers_of_one_step_that_reports_to_nobody(tmp_path):
    callback = summary.TransformersCallback(
        torch_probe(), tmp_path / "run", summary.EverySteps(5), methods=METHODS, strict=True
    )
    train(tmp_path / "a", callback, max_steps=1)
    assert sorted(events.whole_scores(tmp_path / "run")) == [0, 1]


# Lightning lets its own class of FSDP run on GPUs alone; all else is as it does it.
SHARDED = """
import os
import sys
sys.path.insert(0, {root!r})
import tests
import torch
from lightning.pytorch.strategies import FSDPStrategy
from torch.distributed.fsdp import FullyShardedDataParallel
from torch.distributed.fsdp.wrap import ModuleWrapPolicy
from tests.summary.loops.test_torch import METHODS, fit, probe
from tensorboard_picasso import summary

class OnProcessors(FSDPStrategy):
    root_device = torch.device("cpu")

    def _setup_model(self, model):
        return FullyShardedDataParallel(
            model, auto_wrap_policy=ModuleWrapPolicy({{torch.nn.Linear}}), use_orig_params=True,
            device_id=torch.device("cpu"),
        )

def run(name, *callbacks):
    strategy = OnProcessors(process_group_backend="gloo")
    trainer, module = fit({run!r} + name, *callbacks, epochs=1, strategy=strategy, devices=2)
    whole = trainer.strategy.model
    with type(whole).summon_full_params(whole, writeback=False):
        return {{name: each.detach().clone() for name, each in module.named_parameters()}}

if __name__ == "__main__":
    options = {{"methods": METHODS, "strict": True}}
    every = summary.EverySteps(2)
    watched = run("-own", summary.LightningCallback(probe(), {run!r}, every, **options),
        summary.LightningCallback(
            probe(), {run!r} + "-part", every, model=lambda module: module.network, **options
        ))
    alone = run("-alone")
    assert watched.keys() == alone.keys() and len(alone) == 6, alone.keys()
    for name, each in alone.items():
        assert torch.equal(each, watched[name]), name
    os._exit(0)
"""


def test_what_lightning_shards_is_logged_by_one_process(tmp_path, request):
    script, run = tmp_path / "train.py", tmp_path / "run"
    script.write_text(SHARDED.format(root=str(request.config.rootpath), run=str(run)))
    subprocess.run([sys.executable, script], check=True, timeout=300)
    for each in (run, tmp_path / "run-part"):
        assert len(list((each / "picasso").iterdir())) == 1
        assert sorted(events.whole_scores(each)) == [0, 2, 3]
    assert events.whole_scores(run) == events.whole_scores(tmp_path / "run-part")
