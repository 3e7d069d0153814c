"""Pointing game and intersection over union, by their definitions and by hand; and what chance gives."""

import itertools

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from tensorboard_picasso.numbers import located, maps
from tensorboard_picasso.numbers.maps import Sign

SIZE = (11, 14)
BLOB = np.add.outer((np.arange(11) - 4) ** 2, (np.arange(14) - 9) ** 2) < 12
NAN = float("nan")


def found(values, mask=BLOB, sign=Sign.CONTRIBUTION, reach=0.0, rounding=0.0):
    pairs = [(mask, located.grown(mask, reach))]
    [only] = located.located(values, pairs, sign, rounding)
    return only


@pytest.mark.parametrize("reach", [0, 0.7, 1, 1.5, 2, 3.7, 5, 40])
@pytest.mark.parametrize(
    "mask", [BLOB, ~BLOB, np.eye(11, 14, dtype=bool), np.eye(11, 14, k=-9) > 0]
)
def test_grown_regions_are_those_within_a_distance(mask, reach):
    expected = distance_transform_edt(~mask) <= reach
    np.testing.assert_array_equal(located.grown(mask, reach), expected)


def test_the_tolerance_is_that_of_the_paper_in_proportion():
    assert located.tolerance(224, 300) == pytest.approx(15)
    assert located.tolerance(28, 28) == pytest.approx(1.875)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("sign", list(Sign))
def test_of_any_map_by_definition(seed, sign):
    values = np.random.default_rng(seed).normal(size=SIZE)
    strength = np.maximum(values, 0) if sign is Sign.CONTRIBUTION else np.abs(values)
    order = np.argsort(-strength, axis=None)
    count = BLOB.sum()
    assert (strength > 0).sum() > count
    top = np.zeros(values.size, bool)
    top[order[:count]] = True
    top = top.reshape(SIZE)
    for reach in (0.0, 2.0):
        of = found(values, sign=sign, reach=reach)
        assert of.pointing == located.grown(BLOB, reach).ravel()[order[0]]
        assert of.iou == pytest.approx((top & BLOB).sum() / (top | BLOB).sum())
    # Relevance rank accuracy, of which it is another form.
    rank = (top & BLOB).sum() / count
    assert of.iou == pytest.approx(rank / (2 - rank))


def test_energy_inside_is_the_positive_share():
    values = np.random.default_rng(0).normal(size=SIZE)
    energy = values[BLOB & (values > 0)].sum() / values[values > 0].sum()
    share = maps.share(values, BLOB)
    assert share.positive == share.of(Sign.CONTRIBUTION) == pytest.approx(energy)


def test_a_map_of_the_region_alone_is_all_of_it_and_one_beside_it_none():
    assert found(BLOB.astype(float)) == maps.Located(1, 1)
    assert found(2.0 * ~BLOB + BLOB) == maps.Located(0, 0)
    # What speaks against the class is not what is strongest for it.
    assert found(BLOB - 3.0 * ~BLOB) == maps.Located(1, 1)
    assert found(BLOB - 3.0 * ~BLOB, sign=Sign.DIRECTION) == maps.Located(0, 0)


def test_a_hit_beside_the_region_is_one_within_the_tolerance():
    values = np.zeros(SIZE)
    values[4, 3] = 1  # the region begins at column 6
    assert BLOB[4].argmax() == 6
    assert [found(values, reach=reach).pointing for reach in (2, 2.9, 3)] == [0, 0, 1]


def test_pixels_that_are_as_strong_count_by_their_share():
    mask = np.zeros((2, 4), bool)
    mask[0, :2] = True
    # Four strongest, of which one is in the region; two are wanted.
    values = np.array([[5, 1, 5, 5], [5, 0, 0, 0]], float)
    both = 2 * 1 / 4
    assert found(values, mask) == maps.Located(0.25, pytest.approx(both / (4 - both)))
    # One is in without doubt; of the three next, one of which is inside, one is wanted.
    values = np.array([[7, 5, 5, 5], [0, 0, 0, 0]], float)
    both = 1 + 1 / 3
    assert found(values, mask) == maps.Located(1, pytest.approx(both / (4 - both)))
    # Of a map of one pixel the others are as strong as each other.
    values = np.zeros((2, 4))
    values[0, 0] = 1
    both = 1 + 1 / 7
    assert found(values, mask) == maps.Located(1, pytest.approx(both / (4 - both)))
    assert found(np.ones((2, 4)), mask).pointing == 2 / 8


def test_what_is_as_strong_but_for_rounding_is_as_strong():
    mask = np.zeros((2, 4), bool)
    mask[0, :2] = True
    values = np.ones((2, 4)) * (1 + 1e-13 * np.arange(8).reshape(2, 4))
    assert found(values, mask) == found(np.ones((2, 4)), mask)
    # What cancels out, but for rounding of larger values, is nothing.
    values = np.zeros((2, 4))
    values[0, 0] = 1
    rounded = values.copy()
    rounded[1] = 1e-17
    assert found(rounded, mask) == found(values, mask)


def test_what_is_not_finite_counts_as_zero():
    values = np.random.default_rng(0).random(SIZE)
    other = values.copy()
    values[0, :3] = np.inf, np.nan, -np.inf
    other[0, :3] = 0
    assert found(values) == found(other)


@pytest.mark.parametrize("values", [np.zeros(SIZE), np.full(SIZE, NAN), -np.ones(SIZE)])
def test_a_map_without_a_share_has_neither(values):
    assert np.isnan(maps.share(values, BLOB).positive)
    assert np.isnan([found(values).pointing, found(values).iou]).all()


def test_a_map_within_rounding_has_neither():
    values = np.random.default_rng(0).random(SIZE)
    most = values.mean() / 10
    assert np.isnan(found(values, rounding=1.01 * most).iou)
    assert found(values, rounding=0.99 * most).iou > 0


@pytest.mark.parametrize(("count", "size"), [(1, 4), (2, 5), (3, 7), (4, 6), (6, 7)])
def test_chance_is_the_mean_over_all_sets_of_that_many_pixels(count, size):
    own = set(range(count))
    each = [
        len(own & set(other)) / len(own | set(other))
        for other in itertools.combinations(range(size), count)
    ]
    assert located.iou_by_chance(count, size) == pytest.approx(np.mean(each))


def test_chance_of_many_pixels_is_that_of_their_share():
    for count in (5_000, 25_000, 45_000):
        area = count / 50_176
        assert located.iou_by_chance(count, 50_176) == pytest.approx(area / (2 - area), rel=1e-3)
    maps_ = np.random.default_rng(0).random((400, *SIZE))
    ious = [found(values).iou for values in maps_]
    expected = located.iou_by_chance(int(BLOB.sum()), BLOB.size)
    assert np.mean(ious) == pytest.approx(expected, abs=4 * np.std(ious) / 20)
    hits = [found(values, reach=1.5).pointing for values in maps_]
    assert np.mean(hits) == pytest.approx(located.grown(BLOB, 1.5).mean(), abs=0.1)


def test_statistics_have_both_of_each_region():
    values = np.random.default_rng(0).normal(size=SIZE)
    pairs = [(mask, located.grown(mask, 1)) for mask in (BLOB, ~BLOB)]
    about = located.with_located(values, pairs, Sign.UNSIGNED)
    assert about.shares == maps.statistics(values, [BLOB, ~BLOB]).shares
    assert about.located == tuple(
        found(values, mask, Sign.UNSIGNED, reach=1) for mask in (BLOB, ~BLOB)
    )
    assert located.with_located(values, [], Sign.UNSIGNED) == maps.statistics(values)
