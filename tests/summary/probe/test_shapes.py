"""Boxes and polygons in place of masks: which pixels are inside, counted by hand."""

import numpy as np
import pytest

from tensorboard_picasso.summary import Box, Polygon, Probe
from tensorboard_picasso.summary.probe.shapes import drawn

IMAGES = np.random.default_rng(0).random((3, 6, 8, 1))


def picture(*rows):
    return np.array([[each == "#" for each in row] for row in rows])


def test_a_box_has_the_pixels_whose_centres_are_inside():
    expected = picture("........", "..###...", "..###...", "........", "........", "........")
    for box in (Box(1, 2, 2, 3), Box(0.6, 1.6, 2.8, 3.8), Box(1.5, 2.5, 1.5, 2.5)):
        np.testing.assert_array_equal(box.mask(6, 8), expected)
    # An edge through centres has those of its upper and left side, and not those of the other.
    np.testing.assert_array_equal(np.flatnonzero(Box(0, 1.5, 6, 2).mask(6, 8)[0]), [1, 2])


def test_a_triangle_by_hand():
    expected = picture("###.....", "##......", "#.......", "........", "........", "........")
    np.testing.assert_array_equal(Polygon([(0, 0), (4, 0), (0, 4)]).mask(6, 8) * 1, expected * 1)


@pytest.mark.parametrize("seed", range(4))
def test_a_polygon_holds_the_centres_that_an_even_number_of_edges_does_not_part_from_outside(seed):
    """By definition: of each centre the crossings of the ray to its left."""
    points = np.random.default_rng(seed).uniform((0, 0), (8, 6), (7, 2))
    expected = np.zeros((6, 8), bool)
    for row in range(6):
        for column in range(8):
            x, y = column + 0.5, row + 0.5
            for (ax, ay), (bx, by) in zip(points, np.roll(points, -1, axis=0), strict=True):
                if (ay <= y) != (by <= y) and ax + (y - ay) * (bx - ax) / (by - ay) <= x:
                    expected[row, column] ^= True
    assert expected.any()
    np.testing.assert_array_equal(Polygon(points).mask(6, 8), expected)


def test_shapes_that_share_edges_share_no_pixel_and_leave_none_out():
    x, y = 3.3, 2.5
    corners = [(0, 0), (8, 0), (8, 6), (0, 6)]
    parts = [
        Polygon([(x, y), a, b]).mask(6, 8).astype(int)
        for a, b in zip(corners, [*corners[1:], corners[0]], strict=True)
    ]
    np.testing.assert_array_equal(sum(parts), 1)
    np.testing.assert_array_equal(Box(0, 0, y, 8).mask(6, 8) ^ Box(y, 0, 3.5, 8).mask(6, 8), True)


def test_a_polygon_of_a_box_is_the_box():
    box = Polygon([(1.2, 0.7), (6.4, 0.7), (6.4, 4.5), (1.2, 4.5)])
    np.testing.assert_array_equal(box.mask(6, 8), Box(0.7, 1.2, 3.8, 5.2).mask(6, 8))


def test_regions_by_shapes_on_all_images_on_each_and_on_some():
    box, other = Box(0, 0, 2, 3), Polygon([(4, 3), (8, 3), (8, 6), (4, 6)])
    regions = {"all": box, "each": [box, [box, other], other], "some": {1: [box, other], 2: other}}
    probe = Probe("p", IMAGES, regions=regions)
    union = drawn([box, other], 6, 8)
    assert union.sum() == 6 + 12
    assert [list(each) for each in probe.regions] == [
        ["all", "each"], ["all", "each", "some"], ["all", "each", "some"],
    ]  # fmt: skip
    for index, expected in enumerate([box.mask(6, 8), union, other.mask(6, 8)]):
        np.testing.assert_array_equal(probe.regions[index]["all"], box.mask(6, 8))
        np.testing.assert_array_equal(probe.regions[index]["each"], expected)
        if index:
            np.testing.assert_array_equal(probe.regions[index]["some"], expected)
    made = probe.with_regions({"all": other})
    np.testing.assert_array_equal(made.regions[0]["all"], other.mask(6, 8))


def test_a_shape_is_drawn_on_images_of_different_sizes():
    images = [IMAGES[0], IMAGES[1, :5, :4]]
    probe = Probe("p", images, preprocess=lambda batch: batch, regions={"r": Box(1, 1, 3, 3)})
    assert [each["r"].shape for each in probe.regions] == [(6, 8), (5, 4)]
    assert [each["r"].sum() for each in probe.regions] == [9, 9]


def test_what_is_rounded_on_the_way_from_shares_still_lies_on_the_image():
    assert Box(0.7 * 6, 0, 0.3 * 6 + 1e-12, 8).mask(6, 8).sum() == 2 * 8


@pytest.mark.parametrize(
    ("regions", "message"),
    [
        (
            {"r": Box(0, 6, 2, 3)},
            r"region 'r' of image 0: Box\(.*\) reaches beyond the image, 6 x 8",
        ),
        ({"r": Box(-1, 0, 2, 3)}, "reaches beyond the image"),
        ({"r": Polygon([(0, 0), (9, 0), (0, 3)])}, "Polygon of 3 points reaches beyond"),
        ({"r": {2: [Box(0, 0, 1, 1), Box(5, 0, 2, 1)]}}, "region 'r' of image 2: Box"),
        ({"r": Box(0.6, 0, 0.2, 8)}, "region 'r' of image 0 is empty"),
        ({"r": Box(0, 0, 6, 8)}, "region 'r' of image 0 is the whole image"),
        ({"r": [Box(0, 0, 1, 1)] * 2}, "has 2 shapes for 3 images: pass one, or a list of shapes"),
        ({"r": [[Box(0, 0, 1, 1)]] * 2}, "region 'r' has 2 masks for 3 images"),
    ],
)
def test_shapes_that_are_no_region_raise(regions, message):
    with pytest.raises(ValueError, match=message):
        Probe("p", IMAGES, regions=regions)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Box(0, 0, 0, 3), "has no area"),
        (lambda: Box(0, "a", 1, 3), "left of a box is 'a': pass a number"),
        (lambda: Box(0, 0, float("nan"), 3), "height of a box is nan: pass a finite number"),
        (lambda: Polygon([(0, 0), (1, 1)]), "a polygon of 2 points: pass three"),
        (lambda: Polygon([0, 0, 1, 1]), r"a polygon has the point 0: pass \(x, y\)"),
        (lambda: Polygon(3), "points of a polygon of type int"),
        (
            lambda: Polygon([(0, 0), (1, 1), (2, None)]),
            "a point of a polygon is None: pass a number",
        ),
    ],
)
def test_wrong_shapes_raise(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()
