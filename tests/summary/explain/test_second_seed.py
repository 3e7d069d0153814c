"""The noise floor of random methods: how alike the maps of two seeds are."""

import time

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats
from tensorboard.compat.proto import summary_pb2

from tensorboard_picasso import summary
from tensorboard_picasso.stored import record
from tensorboard_picasso.stored.metadata import Kind
from tensorboard_picasso.summary import RISE, Probe, Saliency, SmoothGrad, VarGrad
from tensorboard_picasso.summary.explain import models
from tensorboard_picasso.summary.explain.records import compute
from tensorboard_picasso.summary.explain.targets import Targets
from tensorboard_picasso.summary.log import steps as logging
from tensorboard_picasso.summary.log.request import Destination, Moment
from tensorboard_picasso.summary.methods.base import RandomMethod, Subject
from tests.kit.events import records
from tests.kit.explained import explain, noise, stored

RAW = {"targets": [0, 1], "top_k": 0, "output": "raw"}
IMAGES = noise(2, 9, 8, 1)
WEIGHTS = noise(72, 2, seed=1) - 0.5
FLAT = tf.constant(WEIGHTS, tf.float32)


def linear(x):
    """By NumPy alone."""
    return x.reshape(len(x), -1) @ WEIGHTS


def differentiable(x):
    return tf.reshape(x, (-1, 72)) @ FLAT


def log(path, method, steps, model=linear, probe=None):
    probe = probe or Probe("p", IMAGES, **RAW)
    for step in steps:
        assert summary.attribution(
            probe, model, methods=[method], writer=str(path), step=step, strict=True
        )


def due(path, label="rise"):
    """Steps at which a second seed was computed."""
    return [
        step
        for (step, series), about in records(path).items()
        if (series.kind, series.label, series.image) == (Kind.METHOD, label, 0)
        and about.second_seed is not None
    ]


def twice(model, method, probe=None):
    """A checkpoint at which a second seed is due."""
    probe = probe or Probe("p", IMAGES, **RAW)
    targets = [Targets(probe.targets, probe.top_k, probe.max_lasting) for _ in probe.images]
    backend = models.backend(probe, model)
    return compute(probe, backend, [method], targets, second_seeds={method.label})


def test_the_first_checkpoint_and_every_tenth_after_it_take_a_second_seed(tmp_path):
    seen, spent = [0], []

    def model(x):
        scores = linear(x)  # what it is not a function of raises before it counts
        seen[0] += len(x)
        return scores

    probe = Probe("p", IMAGES, **RAW)
    for step in range(0, 220, 10):
        before = seen[0]
        log(tmp_path, RISE(30), [step], model, probe)
        spent.append(seen[0] - before)
    assert due(tmp_path) == [0, 100, 200]
    # At those the masks of both images are scored twice, at no other.
    assert [count - spent[1] for count in spent[10:]] == [60, *[0] * 9, 60, 0]
    for (_, series), about in records(tmp_path).items():
        if series.kind is Kind.METHOD:
            known = [each.agreement is not None for each in about.targets]
            assert known == [about.second_seed is not None] * 2


@pytest.mark.parametrize(("every", "steps"), [(0, []), (1, [0, 1, 2, 3]), (3, [0, 3])])
def test_how_often_is_an_option(tmp_path, every, steps):
    log(tmp_path, RISE(10, second_seed_every=every), range(4))
    assert due(tmp_path) == steps


def test_each_label_counts_its_own_checkpoints_and_other_images_start_anew(tmp_path):
    probe = Probe("p", IMAGES, **RAW)
    log(tmp_path, RISE(10, second_seed_every=2), [0, 1, 2], probe=probe)
    log(tmp_path, RISE(10, second_seed_every=2, label="late"), [2, 3], probe=probe)
    other = Probe("p", IMAGES[::-1], **RAW)
    log(tmp_path, RISE(10, second_seed_every=2), [4], probe=other)
    assert due(tmp_path) == [0, 2, 4]
    assert due(tmp_path, "late") == [2]


def test_a_checkpoint_that_was_not_written_does_not_count():
    class Disk:
        full = True
        written = b""

        def write(self, data, step):
            if self.full:
                raise OSError("disk full")
            self.written = data

    disk, probe = Disk(), Probe("p", IMAGES, **RAW)

    def checkpoint(step):
        where = Destination("p", disk, disk.write)
        return logging.log_record(probe, linear, [RISE(10)], where, Moment(step))

    with pytest.warns(summary.PicassoWarning, match="disk full"):
        assert not checkpoint(0)
    disk.full = False
    assert checkpoint(1)
    found = [
        record.unpack_attribution(value.tensor.string_val[0])
        for value in summary_pb2.Summary.FromString(disk.written).value
        if value.tag.endswith("/rise")
    ]
    assert [each.second_seed for each in found] == [RISE().second.seed] * 2


@pytest.mark.parametrize("precision", ["q8", "float32"])
def test_the_agreement_is_scipys_of_the_maps_that_the_two_seeds_store(precision):
    result = twice(linear, RISE(40, precision=precision, seed=3))
    for image in range(2):
        about, first = stored(result, image)
        assert about.seed == 3
        method = RISE(40, precision=precision, seed=about.second_seed)
        other = explain(linear, Probe("p", IMAGES, **RAW), method)
        assert stored(other, image)[0].second_seed is None
        for target in about.targets:
            a, b = (each.decode(target.index) for each in (first, stored(other, image)[1]))
            counted = (a != 0) | (b != 0)
            expected = stats.spearmanr(a[counted], b[counted]).statistic
            assert target.agreement == pytest.approx(expected, abs=1e-12)
            assert target.agreement < 0.99


def test_more_masks_agree_more():
    few, many = (stored(twice(linear, RISE(masks)))[0].targets[0].agreement for masks in (30, 3000))
    assert few < many
    assert many > 0.9


def test_where_noise_moves_nothing_seeds_agree_wholly_and_a_map_of_zeros_has_no_agreement():
    smooth = stored(twice(differentiable, SmoothGrad(5)))[0]
    # Up to the rounding of a mean over other copies, which 8 bits hardly keep.
    assert [each.agreement for each in smooth.targets] == pytest.approx([1, 1], abs=1e-3)
    variance = stored(twice(lambda x: 0 * differentiable(x), VarGrad(5)))[0]
    assert all(np.isnan(each.agreement) for each in variance.targets)


def test_the_second_seed_is_independent_of_the_first_and_the_same_in_every_run():
    seeds = [RISE(seed=seed).second.seed for seed in range(200)]
    assert len({*seeds, *range(200)}) == 400
    settings = {"masks": 20, "cells": 3, "fill": "black", "label": "x"}
    assert RISE(**settings).second == RISE(**settings, seed=seeds[0])
    subject = Subject(Probe("p", IMAGES, **RAW), 0, None, None, None, None, ())
    draws = [subject.random(seed).standard_normal(10_000) for seed in (0, seeds[0])]
    # Four standard errors of a correlation that is none.
    assert abs(np.corrcoef(*draws)[0, 1]) < 0.04


def test_other_methods_have_none():
    assert not isinstance(Saliency(), RandomMethod)
    assert stored(twice(differentiable, Saliency()))[0].second_seed is None


@pytest.mark.parametrize("every", [-1, 0.5, True])
def test_what_is_no_number_of_checkpoints_raises_at_once(every):
    with pytest.raises(ValueError, match=r"second_seed_every=.*: pass a whole number from 0"):
        RISE(second_seed_every=every)


def test_the_cost_line_tells_what_a_second_seed_takes(tmp_path, capsys):
    def slow(x):
        time.sleep(0.01)
        return linear(x)

    log(tmp_path, RISE(10), [0], slow)
    summary.flush()
    assert " s where a second seed is due), " in capsys.readouterr().err


def test_regions_are_counted_in_the_map_of_the_second_seed_too():
    mask = np.zeros(IMAGES.shape[1:3], bool)
    mask[:2, :3] = True
    probe = Probe("p", IMAGES, regions={"corner": mask}, **RAW)
    about = stored(twice(linear, RISE(40), probe))[0]
    alone = stored(explain(linear, probe, RISE(40, seed=about.second_seed)))[0]
    for target, expected in zip(about.targets, alone.targets, strict=True):
        [share], [other] = target.second.shares, expected.statistics.shares
        assert share.absolute == pytest.approx(other.absolute)
        assert share.absolute != target.statistics.shares[0].absolute
        assert target.second.located == expected.statistics.located
        assert expected.second is None
