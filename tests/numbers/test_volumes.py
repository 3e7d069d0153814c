"""Volumes by hand: sheets and slices, windows in three axes, regions that grow in all of them."""

import math
from dataclasses import dataclass

import numpy as np
import pytest

from tensorboard_picasso.numbers import located, maps, places, volumes
from tensorboard_picasso.numbers.volumes import Plane
from tests.kit import volumes as known


@dataclass(frozen=True)
class Windows:
    window: tuple
    tops: np.ndarray
    lefts: np.ndarray
    fronts: np.ndarray
    window_depth: int = 0
    segments: None = None


OF_VOLUME = Windows(known.WINDOW[1:], known.TOPS, known.LEFTS, known.FRONTS, known.WINDOW[0])
OF_PICTURE = Windows((3, 2), known.TOPS, known.LEFTS, np.empty(0, np.uint32))
OF_ONE_SLICE = Windows((3, 2), known.TOPS, known.LEFTS, np.array([0], np.uint32), 1)


def test_a_sheet_has_slices_beneath_each_other_and_is_cut_three_ways():
    solid = np.arange(24).reshape(2, 3, 4)
    sheet = volumes.sheet(solid)
    assert sheet.shape == (6, 4)
    assert sheet[1 * 3 + 2, 3] == solid[1, 2, 3]
    np.testing.assert_array_equal(volumes.natural(sheet, 2), solid)
    np.testing.assert_array_equal(volumes.cut(sheet, 2, Plane.AXIAL, 1), solid[1])
    np.testing.assert_array_equal(volumes.cut(sheet, 2, Plane.CORONAL, 2), solid[:, 2])
    np.testing.assert_array_equal(volumes.cut(sheet, 2, Plane.SAGITTAL, 3), solid[:, :, 3])
    assert volumes.natural(sheet, 0) is sheet
    several = np.stack([sheet, sheet + 24])
    np.testing.assert_array_equal(volumes.natural(several, 2, 1)[1], solid + 24)
    assert volumes.shape(sheet.shape, 2) == (2, 3, 4)


def along(values, starts, window, size):
    """The mean over the windows that cover each place of one axis."""
    return [
        np.mean(
            [v for v, start in zip(values, starts, strict=True) if start <= at < start + window]
        )
        for at in range(size)
    ]


def test_a_separable_grid_is_painted_as_the_product_of_its_axes():
    axes = [np.random.default_rng(k).normal(size=3) for k in range(3)]
    grid = np.einsum("i,j,k->ijk", *axes)
    starts = known.FRONTS, known.TOPS, known.LEFTS
    lines = [along(*each) for each in zip(axes, starts, known.WINDOW, known.SHAPE, strict=True)]
    painted = places.paint(volumes.sheet(grid), OF_VOLUME, known.SHEET)
    assert painted.shape == known.SHEET
    expected = np.einsum("i,j,k->ijk", *lines)
    np.testing.assert_allclose(volumes.natural(painted, 4), expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(known.painted(grid), expected, rtol=1e-12, atol=1e-14)


def test_any_grid_is_painted_as_the_mean_over_the_windows_of_each_voxel():
    grid = np.random.default_rng(0).normal(size=(3, 3, 3))
    painted = places.paint(volumes.sheet(grid), OF_VOLUME, known.SHEET)
    expected = known.painted(grid)
    np.testing.assert_allclose(volumes.natural(painted, 4), expected, rtol=1e-12, atol=1e-14)


def covering(grid, voxel):
    """The values of the windows that cover a voxel, one by one."""
    return np.array(
        [
            value
            for (i, j, k), value in np.ndenumerate(grid)
            if all(
                start <= at < start + size
                for start, at, size in zip(
                    (known.FRONTS[i], known.TOPS[j], known.LEFTS[k]), voxel, known.WINDOW,
                    strict=True,
                )
            )
        ]
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_a_voxel_under_both_infinities_takes_that_of_more_windows_of_all_fronts(seed):
    random = np.random.default_rng(seed)
    grid = random.choice([1.0, 2.0, np.inf, -np.inf], size=(3, 3, 3), p=[0.4, 0.3, 0.15, 0.15])
    grid[tuple(random.integers(3, size=3))] = np.nan
    painted = volumes.natural(places.paint(volumes.sheet(grid), OF_VOLUME, known.SHEET), 4)
    for voxel in np.ndindex(*known.SHAPE):
        values = covering(grid, voxel)
        above, below = (values == np.inf).sum(), (values == -np.inf).sum()
        if np.isnan(values).any():
            expected = np.nan
        elif above + below:
            expected = np.inf if above >= below else -np.inf
        else:
            expected = values.mean()
        np.testing.assert_allclose(painted[voxel], expected, rtol=1e-12)
    assert np.isinf(painted).any()
    assert np.isfinite(painted).any()


def test_a_volume_of_one_slice_is_the_picture_in_every_number():
    random = np.random.default_rng(0)
    size, mask = (6, 5), known.REGION[1]
    for values in (
        random.normal(size=(3, 3)),
        random.choice([1.0, np.inf, -np.inf, np.nan], (3, 3)),
    ):
        of_picture, of_slice = (
            places.paint(values, each, size) for each in (OF_PICTURE, OF_ONE_SLICE)
        )
        np.testing.assert_array_equal(of_slice, of_picture)
    assert places.ceiling(mask, OF_ONE_SLICE) == places.ceiling(mask, OF_PICTURE)
    assert places.shape_of(OF_ONE_SLICE) == places.shape_of(OF_PICTURE)
    np.testing.assert_array_equal(located.grown(mask, 1.5, 1), located.grown(mask, 1.5))
    assert located.tolerance(6, 5, 1) == located.tolerance(6, 5)


def test_the_ceiling_is_the_share_of_windows_that_matter_by_what_they_hide():
    hides = np.zeros((3, 3, 3))
    for i, j, k in np.ndindex(3, 3, 3):
        front, top, left = known.FRONTS[i], known.TOPS[j], known.LEFTS[k]
        hides[i, j, k] = known.REGION[front : front + 2, top : top + 3, left : left + 2].sum()
    painted = known.painted(hides)
    expected = painted[known.REGION].sum() / painted.sum()
    found = places.ceiling(volumes.sheet(known.REGION), OF_VOLUME)
    assert found == pytest.approx(expected, rel=1e-12)


def test_places_of_other_fronts_are_others():
    moved = Windows((3, 2), known.TOPS, known.LEFTS, np.array([0, 2], np.uint32), 2)
    assert len({places.key(each) for each in (OF_VOLUME, OF_PICTURE, OF_ONE_SLICE, moved)}) == 4
    assert places.extent(OF_VOLUME) == (2, 3, 2)
    assert places.extent(OF_PICTURE) == (3, 2)
    assert places.shape_of(OF_VOLUME) == (9, 3)


@pytest.mark.parametrize("reach", [0.0, 1.0, 1.5, 2.3, 9.0])
def test_a_region_grows_in_all_axes_by_distance(reach):
    mask = np.zeros((5, 6, 7), bool)
    mask[1, 2, 3] = mask[4, 5, 0] = True
    expected = np.zeros_like(mask)
    for voxel in np.ndindex(mask.shape):
        near = min(math.dist(voxel, each) for each in np.argwhere(mask))
        expected[voxel] = near <= reach
    found = located.grown(volumes.sheet(mask), reach, 5)
    np.testing.assert_array_equal(volumes.natural(found, 5), expected)


def test_the_tolerance_is_that_of_a_slice():
    assert located.tolerance(10 * 224, 300, 10) == located.tolerance(224, 300)


def test_statistics_of_a_sheet_are_those_of_the_volume():
    values = np.random.default_rng(0).normal(size=known.SHAPE)
    found = maps.statistics(volumes.sheet(values), [volumes.sheet(known.REGION)])
    assert found.positive == pytest.approx(values[values > 0].sum())
    share = np.maximum(values, 0)[known.REGION].sum() / np.maximum(values, 0).sum()
    assert found.shares[0].positive == pytest.approx(share)
