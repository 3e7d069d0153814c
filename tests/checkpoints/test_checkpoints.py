"""Checkpoints: which are found, where they stand in training, and that their weights arrive."""

import json
import re
from collections import OrderedDict
from pathlib import Path, PurePath

import keras
import numpy as np
import pytest
import tensorflow as tf
import torch
from safetensors.torch import save_file
from torch import nn

from tensorboard_picasso.checkpoints import CheckpointError, LogError, formats, steps
from tensorboard_picasso.checkpoints.folder import Folder, load
from tensorboard_picasso.checkpoints.steps import Progress


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(OrderedDict(conv=nn.Conv2d(3, 2, 3), norm=nn.BatchNorm2d(2)))


def keras_model(seed=0):
    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Conv2D(2, 3), keras.layers.Flatten(), keras.layers.Dense(3)]
    return keras.Sequential([keras.Input((8, 8, 3)), *layers])


def scan(path, pattern=None, trusted=False):
    return Folder(path, pattern, trusted).scan()


def only(path, **options):
    (found,) = scan(path, **options).checkpoints
    return found


@pytest.mark.parametrize(
    ("name", "step", "epoch", "number"),
    [
        ("step=500.pt", 500, None, None),
        ("epoch=1-step=200.ckpt", 200, 1, None),
        ("epoch=1-step=200-v1.ckpt", 200, 1, None),
        ("model.epoch-03.keras", None, 3, None),
        ("checkpoint_epoch_3.pth", None, 3, None),
        ("epoch3/model.pt", None, 3, None),
        ("val_acc=0.91-epoch=07.ckpt", None, 7, None),
        ("global_step400", 400, None, None),
        ("iter_30.pt", 30, None, None),
        ("ckpt-500", None, None, 500),
        ("checkpoint-500/model.safetensors", None, None, 500),
        ("model_0005000.pth", None, None, 5000),
        ("weights.03-0.45.keras", None, None, 3),
        ("500.pt", None, None, 500),
        ("run3/resnet50_700.pth", None, None, 700),
        ("resnet50.pth", None, None, None),
        ("last.ckpt", None, None, None),
        ("2026-11-25.pt", None, None, None),
        ("acc=91.pt", None, None, None),
        ("model.weights.h5", None, None, None),
    ],
)
def test_steps_in_names(name, step, epoch, number):
    found = steps.in_name(PurePath(name))
    assert (found.step, found.epoch, found.number) == (step, epoch, number)
    assert bool(found.source) == (found != Progress())


def test_a_pattern_of_the_callers_own(tmp_path):
    for name in ("a7-x2000.pt", "a8-x3000.pt", "other.pt"):
        torch.save({}, tmp_path / name)
    found = scan(tmp_path, r"x(\d+)")
    assert [each.step for each in found.checkpoints] == [2000, 3000]
    assert list(found.left_out) == ["other.pt"]
    with pytest.raises(LogError, match="group"):
        scan(tmp_path, r"x\d+")


def test_what_most_have_is_the_step_and_what_lacks_it_is_told(tmp_path):
    state = network().state_dict()
    for step in (100, 200, 300):
        torch.save(state, tmp_path / f"ckpt-{step}.pt")
    torch.save({"state_dict": state, "step": 150}, tmp_path / "best.pt")
    (tmp_path / "broken.pt").write_bytes(b"nothing")
    torch.save(state, tmp_path / "optimizer.pt")
    found = scan(tmp_path)
    assert [each.step for each in found.checkpoints] == [100, 200, 300]
    assert found.sources() == '"ckpt-" in names'
    assert list(found.left_out) == ["best.pt"]
    assert list(found.broken) == ["broken.pt"]


def test_of_two_with_one_step_the_one_named_for_it_stays(tmp_path):
    held = {"state_dict": network().state_dict(), "global_step": 200, "epoch": 1}
    torch.save(held, tmp_path / "a-last.ckpt")
    torch.save(held, tmp_path / "epoch=1-step=200.ckpt")
    found = scan(tmp_path)
    assert [(each.name, each.epoch) for each in found.checkpoints] == [("epoch=1-step=200.ckpt", 1)]
    assert found.left_out == {"a-last.ckpt": "step 200 is that of epoch=1-step=200.ckpt too"}


def test_a_growing_folder_waits_for_what_is_being_written(tmp_path):
    folder = Folder(tmp_path, None, False)
    torch.save(network().state_dict(), tmp_path / "step=1.pt")
    assert folder.scan(growing=True).checkpoints == []
    assert len(folder.scan().checkpoints) == 1


@pytest.mark.parametrize("prefix", ["", "model.", "module._orig_mod."])
@pytest.mark.parametrize("key", ["", "state_dict", "model_state_dict", "model"])
def test_pytorch_states_wherever_they_are(tmp_path, key, prefix):
    source = network(1)
    state = {prefix + name: value for name, value in source.state_dict().items()}
    if prefix:
        state["loss.weight"] = torch.ones(3)
    torch.save({key: state, "epoch": 3} if key else state, tmp_path / "step=1.pt")
    model = network()
    assert load(only(tmp_path), model, False) is model
    for name, value in source.state_dict().items():
        assert torch.equal(model.state_dict()[name], value)


def test_a_state_of_another_model_is_named_and_changes_nothing(tmp_path):
    other = {"conv.weight": torch.ones(1), "head.weight": torch.ones(1)}
    torch.save(other, tmp_path / "step=1.pt")
    twice = {f"{p}.{n}": v for p in ("a", "b") for n, v in network().state_dict().items()}
    torch.save(twice, tmp_path / "step=2.pt")
    model, before = network(), network().state_dict()
    wrong, ambiguous = scan(tmp_path).checkpoints
    with pytest.raises(CheckpointError, match=r"lacks conv.bias.*has head.weight"):
        load(wrong, model, False)
    with pytest.raises(CheckpointError, match=r"fits under a\. and b\."):
        load(ambiguous, model, False)
    assert all(torch.equal(model.state_dict()[name], before[name]) for name in before)


def test_pickled_objects_are_read_only_where_trusted(tmp_path):
    torch.save(network(1), tmp_path / "step=1.pt")
    with pytest.raises(CheckpointError, match=r"Sequential.*--trust-pickle"):
        load(only(tmp_path), network(), False)
    model = load(only(tmp_path, trusted=True), network(), True)
    assert torch.equal(model.conv.weight, network(1).conv.weight)


def test_metadata_of_pytorch_files(tmp_path):
    state = network().state_dict()
    torch.save({"state_dict": state, "global_step": 40, "epoch": 2}, tmp_path / "last.ckpt")
    found = only(tmp_path)
    assert (found.step, found.epoch, found.source) == (40, 2, '"global_step" in the file')


def test_safetensors_with_their_own_or_the_trainers_metadata(tmp_path):
    state = {name: value.clone() for name, value in network(1).state_dict().items()}
    save_file(state, tmp_path / "a.safetensors", {"step": "30"})
    (tmp_path / "b").mkdir()
    save_file(state, tmp_path / "b" / "model.safetensors")
    save_file(state, tmp_path / "b" / "model-00001-of-00002.safetensors")
    (tmp_path / "b" / "trainer_state.json").write_text(
        json.dumps({"global_step": 60, "epoch": 2.0})
    )
    first, second = scan(tmp_path).checkpoints
    assert (first.step, first.source) == (30, '"step" in metadata')
    assert (second.step, second.epoch) == (60, 2)
    model = load(second, network(), False)
    assert torch.equal(model.conv.weight, network(1).conv.weight)


def test_keras_files_count_by_their_optimizer_and_load_with_or_without_a_model(tmp_path):
    source = keras_model(1)
    source.compile("adam", "mse", jit_compile=False)
    images = np.zeros((4, 8, 8, 3), np.float32)
    source.fit(images, np.zeros((4, 3)), 2, verbose=0)
    for name in ("whole", "weights"):
        (tmp_path / name).mkdir()
    source.save(tmp_path / "whole" / "model.epoch-01.keras")
    source.save_weights(tmp_path / "weights" / "model.weights.h5")
    whole, weights = only(tmp_path / "whole"), only(tmp_path / "weights")
    assert (whole.step, whole.epoch, weights.step) == (2, 1, 2)
    assert whole.source == weights.source == "the optimizer's iterations"
    for checkpoint, model in ((whole, keras_model()), (whole, None), (weights, keras_model())):
        loaded = load(checkpoint, model, False)
        for a, b in zip(source.get_weights(), loaded.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_keras_weights_of_another_model_and_without_one(tmp_path):
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save_weights(
        tmp_path / "step1.weights.h5"
    )
    with pytest.raises(CheckpointError):
        load(only(tmp_path), keras_model(), False)
    with pytest.raises(LogError, match="--model"):
        load(only(tmp_path), None, False)


@pytest.mark.parametrize("key", ["model", "teacher", None])
def test_checkpoints_of_tensorflow_whatever_they_call_the_model(tmp_path, key):
    source = keras_model(1)
    step = tf.Variable(70, dtype=tf.int64)
    held = tf.train.Checkpoint(**{key: source}, step=step) if key else tf.train.Checkpoint(source)
    held.save(str(tmp_path / "ckpt"))
    found = only(tmp_path)
    assert (found.step, found.source) == (
        (70, 'the variable "step"') if key else (1, '"ckpt-" in names')
    )
    model = load(found, keras_model(), False)
    for a, b in zip(source.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    other = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    with pytest.raises(CheckpointError):
        load(found, other, False)


def test_saved_models_hold_the_model(tmp_path):
    model = keras_model(1)
    model.export(tmp_path / "step-5", verbose=False)
    found = only(tmp_path)
    assert (found.step, found.format) == (5, "SavedModel")
    images = np.random.default_rng(0).random((2, 8, 8, 3)).astype(np.float32)
    loaded = load(found, None, False)
    np.testing.assert_allclose(loaded.serve(images), model(images), atol=1e-5)


def test_each_format_is_found_by_being_there():
    files = {each.stem for each in Path(formats.__file__).parent.glob("*.py")}
    files = {each for each in files if not re.match("_|base$", each)}
    assert len(formats.known()) == len(files)
