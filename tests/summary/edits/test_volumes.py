"""Edits of volumes: one slice is edited as a picture, several by hand."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from tensorboard_picasso.summary import Probe, edits
from tensorboard_picasso.summary.edits import View
from tensorboard_picasso.summary.edits.regions import elsewhere
from tensorboard_picasso.summary.explain import edited, models
from tests.kit.explained import noise

SHAPE = (8, 10, 12)


def probe_of(images, masks=None, **options):
    regions = {} if masks is None else {"spot": masks}
    return Probe("p", images, labels=[0, 1], regions=regions, output="logits", **options)


def made(probe, index=0, donor=1):
    """What each edit makes of an image, by its name."""
    asked = [each for edit in edits.wanted(None) for each in edit.variants(probe)]
    return {each.about.name: each.make(View(probe, index, donor)) for each in asked}


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_one_slice_is_edited_as_the_picture_is(channels):
    images = noise(2, 20, 24, channels)
    masks = np.zeros((2, 20, 24), bool)
    masks[0, 2:8, 3:7] = masks[1, 10:14, 5:20] = True
    flat, deep = made(probe_of(images, masks)), made(probe_of(images[:, None], masks[:, None]))
    assert [*flat] == [*deep]
    assert len(flat) > 25
    for name, image in flat.items():
        if image is None:
            assert deep[name] is None
        elif name != "shuffled 4×4":  # in an order of each image's own
            np.testing.assert_allclose(deep[name][0], image, atol=1e-6, err_msg=name)


def test_edits_of_several_slices_by_hand():
    images = noise(2, *SHAPE, 3)
    mask = np.zeros(SHAPE, bool)
    mask[1:4, 2:5, 6:9] = True
    probe = probe_of(images, mask)
    found, (image, donor) = made(probe), images
    np.testing.assert_array_equal(found["mirrored"], image[:, :, ::-1])
    luma = image @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(found["no colour"], np.repeat(luma[..., None], 3, -1), atol=1e-6)
    hidden = np.where(mask[..., None], image.mean((0, 1, 2)), image)
    np.testing.assert_allclose(found["spot, hidden"], hidden, atol=1e-6)
    np.testing.assert_array_equal(found["spot, swapped"], np.where(mask[..., None], donor, image))
    np.testing.assert_array_equal(
        found["all but spot, swapped"], np.where(mask[..., None], image, donor)
    )
    top = np.zeros(SHAPE, bool)
    top[:, :3] = True  # of every slice
    np.testing.assert_array_equal(found["top, swapped"], np.where(top[..., None], donor, image))
    lit = found["donor's colours"]
    np.testing.assert_allclose(lit.mean((0, 1, 2)), donor.mean((0, 1, 2)), atol=0.02)
    # What is small in depth is blurred as well.
    point = np.full((2, 9, 9, 9, 1), 0.5, np.float32)
    point[0, 4, 4, 4] = 1
    blurred = made(probe_of(point))["blurred"][..., 0]
    for turned in ((1, 0, 2), (2, 1, 0)):
        np.testing.assert_allclose(blurred, blurred.transpose(turned), atol=1e-6)
    assert blurred[4, 4, 4] < 1
    assert blurred[3, 4, 4] > 0.5


def test_blocks_change_their_places_in_all_three_axes():
    images = np.arange(2 * 8 * 9 * 12, dtype=np.uint16).reshape(2, 8, 9, 12, 1)
    probe = probe_of(images, value_range=(0, 65535))
    shuffled = made(probe)["shuffled 4×4"]
    (about,) = (each.about for each in edits.wanted(["shuffled 4×4"])[0].variants(probe))
    assert about.parameters == {"tiles": "4×4×4"}
    blocks = [
        each[:, :8].reshape(4, 2, 4, 2, 4, 3).transpose(0, 2, 4, 1, 3, 5).reshape(64, -1)
        for each in (images[0, ..., 0], shuffled[..., 0])
    ]
    assert sorted(map(tuple, blocks[0])) == sorted(map(tuple, blocks[1]))
    assert not (blocks[0] == blocks[1]).all(1).any()  # none stays
    np.testing.assert_array_equal(shuffled[:, 8], images[0, :, 8])  # what is left over
    # Of fewer slices tiles reach through all of them.
    thin = made(probe_of(images[:, :3], value_range=(0, 65535)))["shuffled 4×4"]
    first = (thin[0, ..., 0] - images[0, 0, ..., 0]).astype(np.int64)
    for place in range(3):
        np.testing.assert_array_equal(thin[place, ..., 0] - images[0, place, ..., 0], first)


def test_a_region_elsewhere_lies_in_other_slices_too():
    mask = np.zeros((8, 8, 8), bool)
    mask[:2, 3:5, 3:5] = True  # in the middle of the first slices
    places = elsewhere(mask)
    assert len(places) == 2
    for place in places:
        assert place.shape == mask.shape
        assert place.sum() == mask.sum()
        assert not (place & mask).any()
    assert not (places[0] & places[1]).any()


def test_volumes_of_several_sizes_are_swapped_at_the_size_of_each():
    ramp = np.broadcast_to(
        np.linspace(0, 1, 8, dtype=np.float32)[:, None, None, None], (8, 6, 6, 1)
    )
    images = [np.zeros((4, 5, 7, 1), np.float32), ramp]
    probe = probe_of(images, preprocess=lambda x: x[:, :4, :5, :5])
    swapped = made(probe)["top, swapped"]
    assert swapped.shape == (4, 5, 7, 1)
    along = swapped[:, 0, 0, 0]
    assert (np.diff(along) > 0).all()
    np.testing.assert_allclose(along, ramp.reshape(4, 2, 36).mean((1, 2)), atol=0.06)


def test_what_is_shown_of_an_edited_volume_is_its_middle_slice():
    images = np.zeros((2, 6, 8, 8, 1), np.uint8)
    images[0, 3, :, :4] = 200  # of slices 0 to 5 the one behind the middle
    images[1, 3] = 90
    probe = probe_of(images)
    weights = noise(384, 2, seed=1)
    backend = models.backend(probe, lambda x: np.reshape(x, (len(x), -1)) @ weights / 255)
    answers = edited.ask(probe, backend, edits.wanted(["mirrored", "top"]))
    (index, example), *_ = answers.examples
    assert index == 0

    def pixels(png):
        return np.asarray(Image.open(BytesIO(png)))

    np.testing.assert_array_equal(pixels(example.whole), images[0, 3, ..., 0])
    np.testing.assert_array_equal(pixels(example.edited["mirrored"]), images[0, 3, :, ::-1, 0])
    np.testing.assert_array_equal(pixels(example.donor), images[1, 3, ..., 0])
    flipped = np.stack([images[0], images[0, :, :, ::-1]]).reshape(2, -1) @ weights / 255
    moved = answers.record
    at = [each.name for each in moved.edits].index("mirrored")
    assert moved.asked[at].tolist() == [True, False]  # the other one looks the same mirrored
    odds = flipped[:, 0] - flipped[:, 1]
    assert moved.whole[0, 0] == pytest.approx(odds[0], abs=1e-3)
    assert moved.edited[at, 0, 0] == pytest.approx(odds[1], abs=1e-3)
