"""The op `edited`: truths that can be computed by hand, through the log that it writes."""

import csv
import io
import json
import warnings
from contextlib import redirect_stderr, redirect_stdout

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
import tensorflow as tf
import torch
from PIL import Image

import tensorboard_picasso
from tensorboard_picasso import summary
from tensorboard_picasso.__main__ import main
from tensorboard_picasso.numbers import edits as numbers
from tensorboard_picasso.stored.metadata import Kind
from tensorboard_picasso.summary import PicassoWarning, Probe, edits
from tensorboard_picasso.summary.backends import base
from tensorboard_picasso.summary.explain import scoring
from tests.kit import events

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((12, 12, 12, 1)).astype(np.float32)
LABELS = [0, 1, 2] * 4
WEIGHTS = RANDOM.normal(0, 0.5, (144, 3)).astype(np.float32)
SKY = np.zeros((12, 12), bool)
SKY[:4] = True


def linear(x):
    return x.reshape(len(x), -1) @ WEIGHTS


def probe(name="sample", images=IMAGES, labels=LABELS, **options):
    options = {"output": "logits", "max_images": 64, "regions": {"sky": SKY}, **options}
    return Probe(name, images, labels=labels, **options)


def log(path, sample, model, steps=(0,), **options):
    for step in steps:
        assert summary.edited(sample, model, writer=str(path), step=step, strict=True, **options)
    summary.flush()
    return tensorboard_picasso.read(path)["."][sample.name].edits()


def column(found, name, values="moves", step=-1):
    return getattr(found, values)[step, found.names.index(name)]


def softmax(odds):
    return np.exp(odds) / np.exp(odds).sum(-1, keepdims=True)


def test_costs_of_a_linear_model_are_those_by_hand(tmp_path):
    sample = probe(output="raw", labels=None)
    found = log(tmp_path, sample, linear)
    values = linear(IMAGES)
    head = values.argmax(1)
    top = IMAGES.copy()
    top[:, :4] = IMAGES[found.donors, :4]
    hidden = IMAGES.copy()
    hidden[:, :4] = IMAGES.mean((1, 2), keepdims=True)
    for name, made in {
        "top, swapped": top,
        "sky, swapped": top,
        "top, hidden": hidden,
        "mirrored": IMAGES[:, :, ::-1],
    }.items():
        cost = (values - linear(made))[range(12), head]
        np.testing.assert_allclose(column(found, name, "costs"), cost, atol=1e-5)
        assert np.isnan(column(found, name)).all()


def test_every_edits_cost_is_that_of_the_image_that_it_makes(tmp_path):
    # What image each makes is tested by hand in tests/summary/edits.
    sample = probe(output="raw", labels=None)
    found = log(tmp_path, sample, linear)
    values = linear(IMAGES)
    variants = [each for edit in edits.wanted(None) for each in edit.variants(sample)]
    assert [variant.about.name for variant in variants] == list(found.names)
    for variant in variants:
        expected = np.full(12, np.nan)
        for index, donor in enumerate(found.donors):
            view = edits.View(sample, index, int(donor))
            made = variant.make(view)
            if made is not None and view.differs(made):
                head = values[index].argmax()
                expected[index] = values[index, head] - linear(made[None])[0, head]
        found_costs = column(found, variant.about.name, "costs")
        np.testing.assert_allclose(found_costs, expected, atol=1e-5)
        assert np.isfinite(expected).any() == (variant.about.name != "no colour")


def test_probabilities_lost_moved_and_followed_are_those_by_hand(tmp_path):
    found = log(tmp_path, probe(), linear)
    assert all(LABELS[index] != LABELS[donor] for index, donor in enumerate(found.donors))
    before = softmax(linear(IMAGES))
    made = IMAGES.copy()
    made[:, 3 * 4 :] = 0
    made = IMAGES.copy()
    made[:, 4:8] = IMAGES[found.donors, 4:8]
    after = softmax(linear(made))
    at = "middle, swapped"
    lost = (before - after)[range(12), LABELS]
    np.testing.assert_allclose(column(found, at, "costs"), lost, atol=1e-6)
    np.testing.assert_allclose(column(found, at), abs(before - after).sum(1) / 2, atol=1e-6)
    flips = before.argmax(1) != after.argmax(1)
    np.testing.assert_array_equal(column(found, at, "flips"), flips)
    np.testing.assert_array_equal(column(found, at, "predicted"), after.argmax(1))
    of_donor = np.array(LABELS)[found.donors]
    follows = np.where(of_donor == before.argmax(1), np.nan, after.argmax(1) == of_donor)
    np.testing.assert_array_equal(column(found, at, "follows"), follows)
    assert np.isnan(column(found, "middle, hidden", "follows")).all()


def test_what_is_not_read_costs_exactly_nothing_and_what_is_read_is_followed(tmp_path):
    images = IMAGES.copy()
    # The class stands in the sky, and nowhere else.
    images[:, :4] = np.array([0.0, 0.5, 1.0], np.float32)[LABELS][:, None, None, None]

    def reads_the_sky(x):
        return -100 * (x[:, :4].mean((1, 2, 3))[:, None] - np.array([0.0, 0.5, 1.0])) ** 2

    found = log(tmp_path, probe(images=images), reads_the_sky)
    for name in ("bottom, swapped", "bottom, hidden", "all but sky, swapped", "mirrored"):
        assert (column(found, name) == 0).all()
        assert (column(found, name, "costs") == 0).all()
        assert not column(found, name, "flips").any()
    for name in ("top, swapped", "sky, swapped"):
        assert (column(found, name, "follows") == 1).all()
        assert column(found, name, "flips").all()
    elsewhere = [name for name in found.names if "elsewhere" in name and "swapped" in name]
    assert elsewhere
    for name in elsewhere:
        assert not (column(found, name, "follows") == 1).any()


def pictured(png):
    return np.asarray(Image.open(io.BytesIO(png)))


def test_the_first_of_each_class_is_pictured_once(tmp_path):
    log(tmp_path, probe(), linear, steps=(0, 1))
    examples = [
        (step, series.image, said)
        for (step, series), said in events.records(tmp_path).items()
        if series.kind is Kind.EXAMPLE
    ]
    assert [(step, image) for step, image, _ in examples] == [(0, 0), (0, 1), (0, 2)]
    found = tensorboard_picasso.read(tmp_path)["."]["sample"].edits()
    for _, image, said in examples:
        shown = np.rint(255 * IMAGES[..., 0]).astype(np.uint8)
        donor = shown[found.donors[image]]
        np.testing.assert_array_equal(pictured(said.whole), shown[image])
        np.testing.assert_array_equal(pictured(said.donor), donor)
        np.testing.assert_array_equal(pictured(said.edited["mirrored"]), shown[image][:, ::-1])
        swapped = np.where(SKY, donor, shown[image])
        np.testing.assert_array_equal(pictured(said.edited["sky, swapped"]), swapped)
        # Of a grey image there is no colour to take, and of references there is no row.
        asked = {name for name in found.names if np.isfinite(column(found, name)[image])}
        assert set(said.edited) == {name for name in asked if not found.about[name].matched}


def test_large_images_are_pictured_small_and_what_no_screen_shows_is_not(tmp_path):
    images = RANDOM.random((4, 150, 300, 3)).astype(np.float32)
    log(
        tmp_path / "large",
        probe(images=images, labels=None, regions=None),
        lambda x: x.mean((1, 2)),
    )
    said = events.logged(tmp_path / "large", Kind.EXAMPLE, 0)
    assert {pictured(png).shape for png in (said.whole, *said.edited.values())} == {(48, 96, 3)}
    many = RANDOM.random((4, 8, 8, 5)).astype(np.float32)
    shown = many[..., :1]
    options = {"labels": None, "regions": None, "display": shown}
    log(tmp_path / "many", probe(images=many, **options), lambda x: x.mean((1, 2)))
    kinds = {series.kind for _, series in events.records(tmp_path / "many")}
    assert kinds == {Kind.INPUT, Kind.EDITS}


def test_the_order_of_the_images_does_not_matter(tmp_path):
    found = log(tmp_path / "a", probe(), linear)
    order = RANDOM.permutation(12)
    other = log(
        tmp_path / "b", probe(images=IMAGES[order], labels=[LABELS[at] for at in order]), linear
    )
    np.testing.assert_array_equal(order[other.donors], found.donors[order])
    np.testing.assert_allclose(other.moves, found.moves[:, :, order], atol=1e-6)
    np.testing.assert_allclose(other.costs, found.costs[:, :, order], atol=1e-6)


@pytest.mark.parametrize("numbers", [1, 5000])
def test_nor_do_batches_matter(tmp_path, monkeypatch, numbers):
    found = log(tmp_path / "a", probe(), linear)
    monkeypatch.setattr(scoring, "SWEEP_NUMBERS", numbers)
    monkeypatch.setattr(base.Adapter, "room", base.Room(batch=numbers))
    monkeypatch.setattr("tensorboard_picasso.summary.explain.edited._MOST_KEPT", numbers)
    other = log(tmp_path / "b", probe(), linear, steps=(0, 1))
    for step in (0, 1):
        np.testing.assert_allclose(other.moves[step], found.moves[0], atol=1e-6)


def of_torch():
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(144, 3, bias=False))
    model[1].weight.data = torch.tensor(WEIGHTS.T.copy())
    return model


def of_keras():
    model = keras.Sequential(
        [keras.Input((12, 12, 1)), keras.layers.Flatten(), keras.layers.Dense(3, use_bias=False)]
    )
    model.layers[-1].set_weights([WEIGHTS])
    return model


MODELS = {
    "torch": of_torch,
    "keras": of_keras,
    "tensorflow": lambda: tf.function(lambda x: tf.reshape(x, (-1, 144)) @ WEIGHTS),
    "jax": lambda: jax.tree_util.Partial(
        lambda weights, x: jnp.reshape(x, (-1, 144)) @ weights, jnp.array(WEIGHTS)
    ),
}


@pytest.mark.parametrize("framework", MODELS)
def test_frameworks_agree(tmp_path, framework):
    found = log(tmp_path / "a", probe(), linear)
    other = log(tmp_path / "b", probe(), MODELS[framework]())
    np.testing.assert_allclose(other.moves, found.moves, atol=1e-5)
    np.testing.assert_allclose(other.costs, found.costs, atol=1e-5)
    np.testing.assert_array_equal(other.flips, found.flips)


def test_what_changes_nothing_is_not_asked(tmp_path):
    images = IMAGES.copy()
    images[0, :, 6:] = images[0, :, :6][:, ::-1]  # symmetric
    found = log(tmp_path, probe(images=images), linear)
    assert np.isnan(column(found, "no colour")).all()
    assert np.isnan(column(found, "mirrored")).tolist() == [True] + 11 * [False]


def test_without_labels_the_first_prediction_stands_for_the_class(tmp_path):
    sample, scale = probe(labels=None), {"by": 1.0}
    found = log(tmp_path, sample, lambda x: scale["by"] * linear(x))
    assert not found.labelled
    assert (found.donors != np.arange(12)).all()
    # The model turns round; the class is what it was.
    scale["by"] = -1.0
    found = log(tmp_path, sample, lambda x: -linear(x), steps=(1,))
    first = linear(IMAGES).argmax(1)
    edited = IMAGES[:, :, ::-1]
    cost = (softmax(-linear(IMAGES)) - softmax(-linear(edited)))[range(12), first]
    np.testing.assert_allclose(column(found, "mirrored", "costs"), cost, atol=1e-6)


def test_of_one_class_nothing_is_swapped(tmp_path):
    found = log(tmp_path, probe(labels=[1] * 12), linear)
    assert (found.donors == -1).all()
    for name, edit in found.about.items():
        assert np.isnan(column(found, name)).all() == (
            edit.form == "swapped" or name == "no colour"
        )


def test_a_model_that_diverged_is_recorded(tmp_path):
    found = log(tmp_path, probe(), lambda x: linear(x) * np.nan)
    assert np.isnan(found.moves).all()
    assert not found.flips.any()


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_other_questions_of_the_model(tmp_path):
    # Labels of which any number is true.
    truths = np.eye(3, dtype=int)[LABELS]
    truths[0] = 1
    sample = probe("several", labels=truths, output="sigmoid")
    found = log(tmp_path, sample, linear)
    before, after = (1 / (1 + np.exp(-linear(x))) for x in (IMAGES, IMAGES[:, :, ::-1]))
    moves = abs(before - after).mean(1)
    np.testing.assert_allclose(column(found, "mirrored"), moves, atol=1e-6)
    # Another input, of each image its own row.
    offsets = RANDOM.normal(size=(12, 3)).astype(np.float32)
    sample = probe("beside", inputs={"offset": offsets})
    found = log(tmp_path, sample, lambda x, offset: linear(x) + offset)
    assert column(found, "no colour") is not None
    before, after = (softmax(linear(x) + offsets) for x in (IMAGES, IMAGES[:, :, ::-1]))
    moves = abs(before - after).sum(1) / 2
    np.testing.assert_allclose(column(found, "mirrored"), moves, atol=1e-6)
    # Means over pixels.
    sample = probe("pixels", mean_over="all")
    found = log(tmp_path, sample, lambda x: x * np.array([1.0, -1.0, 0.0], np.float32))
    assert np.isfinite(column(found, "top, hidden", "costs")).all()


def test_a_model_with_preprocess_is_given_edited_images(tmp_path):
    given = []

    def preprocess(batch):
        given.append(batch)
        return batch * 2

    found = log(tmp_path, probe(preprocess=preprocess), lambda x: linear(x / 2))
    plain = log(tmp_path / "plain", probe(), linear)
    np.testing.assert_allclose(found.moves, plain.moves, atol=1e-6)
    made = np.concatenate(given)
    assert any(np.array_equal(each, IMAGES[3][:, ::-1]) for each in made)


def test_records_are_counted_and_none_is_written_twice(tmp_path):
    sample = probe()
    found = log(tmp_path, sample, linear, steps=(5, 7, 9), epoch=2)
    np.testing.assert_array_equal(found.steps, [5, 7, 9])
    np.testing.assert_array_equal(found.epochs, [2, 2, 2])
    with pytest.warns(PicassoWarning, match='"sample" already has edits at step 9'):
        assert not summary.edited(sample, linear, writer=str(tmp_path), step=9)
    with pytest.raises(ValueError, match="already has edits"):
        summary.edited(sample, linear, writer=str(tmp_path), step=9, strict=True)


def test_pictures_are_written_once_with_maps_of_the_same_probe(tmp_path):
    sample = probe()
    for step in (0, 1):
        assert summary.edited(sample, linear, writer=str(tmp_path), step=step)
        assert summary.class_probabilities(sample, linear, writer=str(tmp_path), step=step)
    summary.flush()
    logged = tensorboard_picasso.read(tmp_path)["."]["sample"]
    assert logged.images == list(range(12))
    (written,) = {
        len(stored)
        for series, tag in logged._series.items()
        if series.kind == "input"
        for _, stored in logged._reader.tensors(".", {series: tag})
    }
    assert written == 1
    np.testing.assert_array_equal(logged.edits().steps, [0, 1])
    np.testing.assert_array_equal(logged.steps(), [0, 1])


def test_other_images_under_the_same_name_are_refused(tmp_path):
    assert summary.edited(probe("p"), linear, writer=str(tmp_path / "a"), step=0)
    others = probe("p", images=IMAGES[::-1].copy())
    with pytest.warns(PicassoWarning, match="has edits of other images: give the probe a name"):
        assert not summary.class_probabilities(others, linear, writer=str(tmp_path / "a"), step=1)
    assert summary.class_probabilities(probe("p"), linear, writer=str(tmp_path / "b"), step=0)
    summary.flush()
    with pytest.raises(ValueError, match="has other images: give the probe a name of its own"):
        summary.edited(others, linear, writer=str(tmp_path / "b"), step=1)
    # The remedy.
    named = probe("sample", images=IMAGES[::-1].copy())
    assert summary.edited(named, linear, writer=str(tmp_path / "b"), step=1)


def test_what_fails_later_is_said_once_and_training_goes_on(tmp_path):
    broken = {"now": False}

    def model(x):
        if broken["now"]:
            raise RuntimeError("out of order")
        return linear(x)

    sample = probe()
    assert summary.edited(sample, model, writer=str(tmp_path), step=0)
    broken["now"] = True
    with pytest.warns(PicassoWarning, match='edits of "sample" at step 1 could not be computed'):
        assert not summary.edited(sample, model, writer=str(tmp_path), step=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not summary.edited(sample, model, writer=str(tmp_path), step=2)
    broken["now"] = False
    assert summary.edited(sample, model, writer=str(tmp_path), step=3)
    summary.flush()
    found = tensorboard_picasso.read(tmp_path)["."]["sample"].edits()
    np.testing.assert_array_equal(found.steps, [0, 3])


def test_what_can_never_work_raises_at_once(tmp_path):
    class Turned(edits.Edit):
        name = "turned"

        def variants(self, probe):
            about = tensorboard_picasso.stored.record.Edit("turned", "which way is up")
            return [edits.Variant(about, lambda view: view.image[:-1])]

    with pytest.raises(ValueError, match='edit "turned" makes float32 of shape'):
        summary.edited(probe(), linear, writer=str(tmp_path), step=0, edits=[Turned()])
    with pytest.raises(ValueError, match="'sepia' is unknown"):
        summary.edited(probe(), linear, writer=str(tmp_path), step=0, edits=["sepia"])


def test_inside_a_graph_and_eagerly_it_is_the_same(tmp_path):
    model, sample = of_keras(), probe()
    writer = tf.summary.create_file_writer(str(tmp_path / "graph"))

    @tf.function
    def step(at):
        return summary.edited(sample, model, step=at)

    with writer.as_default():
        assert step(tf.constant(3, tf.int64))
        assert not step(tf.constant(3, tf.int64))
    writer.close()
    found = tensorboard_picasso.read(tmp_path / "graph")["."]["sample"].edits()
    eager = log(tmp_path / "eager", probe(), model, steps=(3,))
    np.testing.assert_array_equal(found.steps, [3])
    np.testing.assert_allclose(found.moves, eager.moves, atol=1e-6)


def test_scalars_have_names_that_all_readers_take(tmp_path):
    found = log(tmp_path, probe(), linear)
    logged = tensorboard_picasso.read(tmp_path)
    assert list(logged["."]) == ["sample"]
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path)).Reload()
    tags = {tag: events.Scalars(tag)[0].value for tag in events.Tags()["scalars"]}
    assert tags["sample/edits/moves top swapped"] == pytest.approx(
        np.nanmean(column(found, "top, swapped"))
    )
    assert "sample/edits/moves shuffled 4x4" in tags
    assert not any("elsewhere" in tag or "no colour" in tag for tag in tags)
    assert all(set(tag) <= set("abcdefghijklmnopqrstuvwxyz0123456789/ _.-") for tag in tags)


def exported(path, *words):
    command = ["export", "--logdir", str(path), *map(str, words)]
    out, said = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(said):
        status = main(command)
    return status, out.getvalue() + said.getvalue()


def test_exports_hold_what_read_gives(tmp_path):
    found = log(tmp_path / "logs", probe(), linear, steps=(0, 10), epoch=1)
    status, said = exported(tmp_path / "logs")
    assert (status, "sample/edits  2 steps: 0 to 10" in said) == (0, True)
    assert exported(tmp_path / "logs", "--out", tmp_path / "e.csv")[0] == 0
    rows = list(csv.DictReader((tmp_path / "e.csv").open()))
    asked = [name for name in found.names if name != "no colour"]
    assert [(row["step"], row["edit"]) for row in rows] == [
        (step, name) for step in ("0", "10") for name in asked
    ]
    for row in rows:
        moves = column(found, row["edit"], step=int(row["step"] != "0"))
        expected = numbers.estimate(moves)
        assert float(row["moves"]) == pytest.approx(np.nanmean(moves), rel=1e-6)
        assert float(row["moves_low"]) == pytest.approx(expected.low, rel=1e-6)
        assert float(row["moves_high"]) == pytest.approx(expected.high, rel=1e-6)
        assert int(row["images"]) == np.isfinite(moves).sum()
        flips = column(found, row["edit"], "flips")[np.isfinite(moves)].mean()
        assert float(row["flips"]) == pytest.approx(flips)
    assert exported(tmp_path / "logs", "--tag", "sample/edits", "--out", tmp_path / "e.npz")[0] == 0
    arrays = np.load(tmp_path / "e.npz")
    for name in ("steps", "epochs", "moves", "flips", "follows", "costs", "predicted", "donors"):
        np.testing.assert_array_equal(arrays[name], getattr(found, name))
    about = json.loads(str(arrays["metadata"]))
    assert [edit["name"] for edit in about["edits"]] == list(found.names)
    assert exported(tmp_path / "logs", "--out", tmp_path / "one.npz", "--step", 10)[0] == 0
    assert np.load(tmp_path / "one.npz")["steps"] == [10]
    status, said = exported(tmp_path / "logs", "--out", tmp_path / "e.png")
    assert (status, "edits are numbers, give csv or npz" in said) == (2, True)
    status, said = exported(tmp_path / "logs", "--out", tmp_path / "x.csv", "--target", 1)
    assert (status, "edits are of each image's own class" in said) == (2, True)
    status, said = exported(tmp_path / "logs", "--out", tmp_path / "x.csv", "--step", 3)
    assert (status, "step 3" in said) == (2, True)


def test_a_damaged_record_is_named_and_the_others_are_read(tmp_path):
    log(tmp_path / "logs", probe(), linear, steps=(0, 10))
    (path,) = (tmp_path / "logs").iterdir()
    data = bytearray(path.read_bytes())
    at = data.rindex(b"\x09no colour")  # of the record, with its length before it
    data[at] ^= 1
    path.write_bytes(bytes(data))
    with pytest.warns(UserWarning, match="edits, step 10: damaged record: its checksum"):
        found = tensorboard_picasso.read(tmp_path / "logs")["."]["sample"].edits()
    np.testing.assert_array_equal(found.steps, [0])
    status, said = exported(tmp_path / "logs", "--out", tmp_path / "e.csv")
    assert (status, "edits, step 10: damaged record" in said) == (0, True)
