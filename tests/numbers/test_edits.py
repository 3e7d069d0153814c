"""Statistics of edits, against what is computed by hand."""

import numpy as np
import pytest

from tensorboard_picasso.numbers import edits


def test_each_resample_draws_as_many_images_as_there_are():
    counts = edits.draws(7)
    assert counts.shape == (edits.RESAMPLES, 7)
    np.testing.assert_array_equal(counts.sum(1), 7)
    # Each image is drawn about as often as the others.
    np.testing.assert_allclose(counts.mean(0), 1, atol=0.1)
    assert len({row.tobytes() for row in edits.draws(30)}) == edits.RESAMPLES


def test_an_interval_is_that_of_the_mean():
    values = np.random.default_rng(0).normal(3, 2, 400)
    found = edits.estimate(values)
    assert found.value == pytest.approx(values.mean())
    error = values.std(ddof=1) / 20
    assert found.low == pytest.approx(values.mean() - 1.96 * error, abs=0.15 * error)
    assert found.high == pytest.approx(values.mean() + 1.96 * error, abs=0.15 * error)
    assert found.count == 400
    wider = edits.estimate(values, edits.LEVEL / 10)
    assert wider.low < found.low
    assert wider.high > found.high


def test_what_was_not_asked_does_not_count():
    found = edits.estimate([np.nan, 1.0, 1.0, np.nan])
    assert (found.value, found.low, found.high, found.count) == (1, 1, 1, 2)
    alone = edits.estimate([np.nan, 0.25])
    assert (alone.value, alone.count) == (0.25, 1)
    assert np.isnan([alone.low, alone.high]).all()
    none = edits.estimate([np.nan, np.nan])
    assert none.count == 0
    assert np.isnan(none.value)


def test_costs_are_probabilities_of_the_true_class():
    whole = np.array([0.0, np.log(3), np.nan])
    edited = np.array([[np.log(3), 0.0, 1.0], [-np.inf, np.inf, 1.0]])
    asked = np.array([[True, True, True], [True, False, True]])
    found = edits.costs(whole, edited, asked)
    np.testing.assert_allclose(found, [[-0.25, 0.25, np.nan], [0.5, np.nan, np.nan]])
    np.testing.assert_allclose(
        edits.costs(whole, edited, asked, raw=True)[0], [-np.log(3), np.log(3), np.nan]
    )


def test_follows_are_of_the_donors_class():
    found = edits.follows(
        [0, 1, 2, 2],
        [[1, 1, 2, 0], [1, 0, 0, 1]],
        [1, 1, None, 0],
        [[True] * 4, [False] + [True] * 3],
    )
    # The second image was predicted as its donor before, the third has none.
    np.testing.assert_array_equal(found, [[1, np.nan, np.nan, 1], [np.nan, np.nan, np.nan, 0]])


def test_beyond_is_the_difference_to_the_other_place_that_moves_it_most():
    moves = np.array([0.5, 0.5, np.nan])
    matched = np.array([[0.1, np.nan, 0.1], [0.3, np.nan, 0.2]])
    np.testing.assert_allclose(edits.beyond(moves, matched), [0.2, np.nan, np.nan])


def test_an_onset_is_where_it_stays_above():
    rising = np.array([0.0, 0.2, 0.0, 0.2, 0.3, 0.3])[:, None] + np.zeros((6, 20))
    assert edits.onset(rising) == edits.Onset(3, 3, 3)
    assert edits.onset(rising[:3]) is None
    assert edits.onset(np.empty((0, 20))) is None
    # Just above what counts, but not surely.
    noise = np.random.default_rng(0).normal(0.06, 0.2, (6, 20))
    assert edits.onset(noise) is None


def test_few_images_flag_nothing_however_alike_they_are():
    """Of 5 images in 32 trials all lie to one side by chance alone."""
    for images, edits_asked, flagged in (
        (5, 1, False),
        (6, 1, True),
        (8, 10, False),
        (9, 10, True),
    ):
        rows = np.full((3, 20), np.nan)
        rows[:, :images] = 0.4
        assert (edits.onset(rows, edits_asked) is not None) == flagged, images


def test_an_onset_has_a_range():
    random = np.random.default_rng(0)
    steps = np.linspace(-0.2, 0.4, 30)[:, None] + random.normal(0, 0.2, (1, 60))
    found = edits.onset(steps)
    assert found.early < found.place
    assert found.early <= found.late
    # Of more edits each has to be surer.
    assert edits.onset(steps, 100).place > found.place


def test_two_runs_of_the_same_images_are_compared_image_by_image():
    random = np.random.default_rng(0)
    own = random.normal(0.5, 0.3, 40)
    other = own - 0.1 + random.normal(0, 0.01, 40)
    order = random.permutation(40)[:30]  # fewer of them, in another order
    pairs = edits.paired(list(range(40)), order.tolist())
    found = edits.difference(own, other[order], pairs)
    assert (found.paired, found.count) == (True, 30)
    assert found.value == pytest.approx((own - other)[order].mean())
    # What differs from image to image does not matter.
    assert found.high - found.low < 0.02


def test_two_runs_of_other_images_are_compared_by_their_means():
    random = np.random.default_rng(0)
    own, other = random.normal(0.5, 0.2, 400), random.normal(0.3, 0.1, 100)
    assert edits.paired([*range(400)], [*range(1, 101), "new"][1:]) is None
    found = edits.difference(own, other, None)
    error = np.hypot(own.std(ddof=1) / 20, other.std(ddof=1) / 10)
    assert found.value == pytest.approx(own.mean() - other.mean())
    assert found.low == pytest.approx(found.value - 1.96 * error, abs=0.2 * error)
    assert found.high == pytest.approx(found.value + 1.96 * error, abs=0.2 * error)
    assert not found.paired
    # Drawn independently: with itself there is an interval too.
    itself = edits.difference(other, other, None)
    assert itself.low < 0 < itself.high
    assert np.isnan(edits.difference(own, [np.nan, 0.1], None).low)


def test_an_image_that_is_there_twice_is_paired_once_each():
    assert edits.paired("abb", "bcab") == [(0, 2), (1, 0), (2, 3)]
    assert edits.paired("abbb", "bab") == [(0, 1), (1, 0), (2, 2)]
    assert edits.paired("ax", "ay") is None
