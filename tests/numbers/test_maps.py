"""The numbers behind the maps, against truths computed by hand."""

import numpy as np
import pytest

from tensorboard_picasso.numbers import maps
from tests.kit import logs


def test_readings_agree_with_float64_also_where_p_rounds_to_one():
    logits = np.array([[40.0, 1.0, -3.0], [0.5, 0.2, 0.1]])
    exact = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    odds = np.array(
        [[row[k] - np.logaddexp.reduce(np.delete(row, k)) for k in range(3)] for row in logits]
    )
    np.testing.assert_allclose(maps.log_probability(odds), exact, rtol=1e-12, atol=1e-16)
    np.testing.assert_allclose(maps.probability(odds), np.exp(exact), rtol=1e-12)
    # 1 - p of the first class is 1e-17, and not lost.
    assert maps.log_probability(odds)[0, 0] == pytest.approx(-np.exp(-odds[0, 0]), rel=1e-9)
    np.testing.assert_allclose(
        maps.evidence(odds[:, 0], odds[:, 1]), logits[:, 0] - logits[:, 1], rtol=1e-9
    )


def test_what_stays_saturated_is_neither_nan_nor_unchanged():
    inf, nan = np.inf, np.nan
    whole = [inf, inf, inf, -inf, -inf, -inf, 1.0, 1.0, nan, inf]
    occluded = [inf, 2.0, -inf, -inf, 2.0, inf, inf, -inf, inf, nan]
    expected = [inf, inf, inf, -inf, -inf, -inf, -inf, inf, nan, nan]
    np.testing.assert_array_equal(maps.importance(occluded, whole), expected)
    # A sure softmax: the class is at p = 1, all others at p = 0.
    np.testing.assert_array_equal(maps.evidence([inf, -inf, -inf], [-inf, inf, -inf]),
                                  [inf, -inf, -inf])  # fmt: skip


def test_a_map_of_a_sure_model_is_saturated_and_has_no_share():
    painted = maps.paint(
        maps.importance(np.full((1, 3), np.inf), np.inf), [0], [0, 1, 2], (1, 2), (1, 4)
    )
    found = maps.statistics(painted, [np.array([[True, False, False, False]])])
    assert (found.nan, found.infinite, found.count) == (0, 4, 0)
    assert (found.p99, found.absolute) == (0, 0)
    assert np.isnan(found.shares[0].positive)


def test_a_pixel_under_both_infinities_takes_that_of_more_windows():
    painted = maps.paint([[np.inf, -np.inf, -np.inf, 1.0]], [0], [0, 1, 2, 3], (1, 3), (1, 6))
    np.testing.assert_array_equal(painted, [[np.inf, np.inf, -np.inf, -np.inf, -np.inf, 1.0]])
    painted = maps.paint([[np.inf, -np.inf, np.nan]], [0], [0, 1, 2], (1, 2), (1, 4))
    np.testing.assert_array_equal(painted, [[np.inf, np.inf, np.nan, np.nan]])


def test_overlapping_windows_are_averaged_and_all_pixels_covered():
    grid = np.array([[1.0, 3.0]])
    painted = maps.paint(grid, [0], [0, 1], (1, 2), (1, 3))
    np.testing.assert_array_equal(painted, [[1, 2, 3]])


def test_a_value_that_is_not_finite_stays_under_its_window():
    painted = maps.paint([[1.0, np.nan, 2.0]], [0], [0, 2, 4], (1, 2), (1, 6))
    np.testing.assert_array_equal(painted, [[1, 1, np.nan, np.nan, 2, 2]])
    painted = maps.paint([[1.0, np.inf, 2.0]], [0], [0, 2, 4], (1, 2), (1, 6))
    np.testing.assert_array_equal(painted, [[1, 1, np.inf, np.inf, 2, 2]])


def test_shares_are_of_the_part_they_name():
    values = np.array([[3.0, 1.0], [-1.0, -3.0]])
    mask = np.array([[True, False], [True, False]])
    part = maps.share(values, mask)
    assert (part.positive, part.negative, part.absolute) == (0.75, 0.25, 0.5)
    assert part.of(maps.Sign.CONTRIBUTION) == 0.75
    assert part.of(maps.Sign.UNSIGNED) == 0.5


def test_there_is_no_share_of_mere_rounding():
    mask = np.array([[True, False]])
    assert np.isnan(maps.share([[1e-7, 1e-7]], mask, rounding=1e-7).positive)
    assert maps.share([[1e-5, 1e-5]], mask, rounding=1e-7).positive == 0.5
    assert np.isnan(maps.share([[0.0, 0.0]], mask).absolute)


def test_the_ceiling_of_a_corner():
    corner = np.zeros((28, 28), bool)
    corner[:4, :4] = True
    starts = logs.starts(28, 8, 2)
    assert maps.ceiling(corner, starts, starts, (8, 8)) == pytest.approx(0.405, abs=1e-3)


def test_statistics_count_what_is_no_number():
    found = maps.statistics([[np.nan, np.inf, -2.0, 1.0]])
    assert (found.nan, found.infinite, found.count) == (1, 1, 2)
    assert (found.minimum, found.maximum, found.positive, found.negative) == (-2, 1, 1, -2)
    assert found.mean == 1.5
    assert maps.statistics([[np.nan]]).count == 0


def test_the_square_law_keeps_zero_and_what_is_small():
    values = np.array([[0.0, 2e-5, 1.0]])
    level, peak, special = maps.quantise(values, maps.Sign.UNSIGNED)
    back = maps.dequantise(level, peak, maps.Sign.UNSIGNED)
    assert back[0, 0] == 0
    assert back[0, 1] > 0
    assert back[0, 2] == 1
    assert not special.any()
    level, peak, _ = maps.quantise(np.zeros((2, 2)), maps.Sign.DIRECTION)
    assert peak == 0
    assert not maps.dequantise(level, peak, maps.Sign.DIRECTION).any()


def test_times_uniform():
    np.testing.assert_array_equal(maps.times_uniform([[1.0, -3.0]]), [[0.5, -1.5]])
    np.testing.assert_array_equal(maps.times_uniform([[0.0, 0.0]]), [[0.0, 0.0]])


def test_differences_are_counted_along_both_axes_from_zero_modulo_256():
    level = np.array([[3, 5, 5], [4, 9, -7]], np.int8)
    expected = np.array([[3, 2, 0], [1, 3, -16]], np.int8)
    np.testing.assert_array_equal(maps.differences(level).view(np.int8), expected)
    any_level = np.random.default_rng(0).integers(0, 256, (5, 7), np.uint8)
    for given in (level, any_level):
        back = maps.summed(maps.differences(given))
        np.testing.assert_array_equal(back, given.view(np.uint8))
