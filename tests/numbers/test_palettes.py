"""Palettes: equal steps, a transparent zero, and pixels computed by hand."""

import numpy as np
import pytest

from tensorboard_picasso.numbers import palettes
from tensorboard_picasso.numbers.palettes import GREY, ORANGE_BLUE, PALETTES, Mark, hatches, overlay


def linear(rgb):
    """Light of sRGB bytes, 0..1."""
    encoded = np.asarray(rgb, float) / 255
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    """OKLab of sRGB bytes, by the forward matrices of its definition."""
    to_lms = np.array([[0.4122214708, 0.5363325363, 0.0514459929],
                       [0.2119034982, 0.6806995451, 0.1073969566],
                       [0.0883024619, 0.2817188376, 0.6299787005]])  # fmt: skip
    to_lab = np.array([[0.2104542553, 0.7936177850, -0.0040720468],
                       [1.9779984951, -2.4285922050, 0.4505937099],
                       [0.0259040371, 0.7827717662, -0.8086757660]])  # fmt: skip
    return np.cbrt(linear(rgb) @ to_lms.T) @ to_lab.T


@pytest.mark.parametrize("name", PALETTES)
def test_equal_differences_look_equally_large(name):
    palette = PALETTES[name]
    colours = palette.colours
    for arm in (colours[128:], colours[127:0:-1]) if palette.signed else (colours,):
        points = lab(arm)[:: len(arm) // 8]
        steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
        assert steps.max() < 1.6 * steps.min()


def test_zero_leaves_the_faded_image():
    ground = np.array([[0, 100, 255]], np.uint8)
    for palette in (ORANGE_BLUE, PALETTES["ember"]):
        painted = overlay(np.zeros((1, 3)), ground, palette, 1.0, 1.0)
        np.testing.assert_array_equal(painted[0, :, 0], [60, 110, 188])  # 60 + g / 2, rounded


def test_full_value_is_the_last_colour():
    painted = overlay([[1.0, -1.0]], np.zeros((1, 2)), ORANGE_BLUE, 1.0, 1.0)
    np.testing.assert_array_equal(painted[0], ORANGE_BLUE.colours[[255, 1]])


def test_opacity_is_the_root_of_the_level():
    # |v| / s = 0.25: level floor(0.25 * 127 + 0.5) = 32 of 127.
    alpha = 0.5 * np.sqrt(32 / 127)
    expected = np.floor(alpha * ORANGE_BLUE.colours[160] + (1 - alpha) * (60 + 40 / 2) + 0.5)
    painted = overlay([[0.5]], [[40]], ORANGE_BLUE, 2.0, 0.5)
    np.testing.assert_array_equal(painted[0, 0], expected)


def test_values_beyond_the_scale_are_marked():
    painted = overlay([[1.01, -1.01]], np.zeros((1, 2)), ORANGE_BLUE, 1.0, 1.0)
    np.testing.assert_array_equal(painted[0], ORANGE_BLUE.beyond)


def test_a_constant_zero_scale_stays_neutral():
    painted = overlay(np.zeros((2, 2)), np.full((2, 2), 80), ORANGE_BLUE, 0.0, 1.0)
    assert (painted == 100).all()


def test_what_is_not_finite_is_hatched():
    values = np.full((4, 4), np.nan)
    painted = overlay(values, np.zeros((4, 4)), ORANGE_BLUE, 1.0, 1.0).reshape(-1, 3)
    assert {tuple(each) for each in painted.tolist()} == set(hatches(ORANGE_BLUE)[Mark.NAN])


def test_score_reading_is_grey_and_hides_the_image():
    painted = overlay([[0.0, 1.0]], [[9, 9]], GREY, 1.0, 0.1, opaque=True)
    np.testing.assert_array_equal(painted[0], [[0, 0, 0], [255, 255, 255]])


def test_transparent_pixels_show_white():
    assert palettes.grey([[[10, 20, 30, 0]]]) == 255
    assert palettes.grey([[[100, 100, 100, 255]]]) == 100
