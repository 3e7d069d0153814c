"""Edits of images: what each makes, by hand; what it changes nothing of; any kind of image."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tensorboard_picasso import read, summary
from tensorboard_picasso.summary import Probe, edits, flush
from tensorboard_picasso.summary.edits import View
from tensorboard_picasso.summary.edits.regions import elsewhere

RANDOM = np.random.default_rng(0)
KINDS = {
    "grey uint8": (RANDOM.integers(0, 256, (4, 21, 30, 1), dtype=np.uint8), {}),
    "RGB uint8": (RANDOM.integers(0, 256, (4, 32, 32, 3), dtype=np.uint8), {}),
    "RGBA uint8": (RANDOM.integers(0, 256, (4, 16, 17, 4), dtype=np.uint8), {}),
    "16 bit": (
        RANDOM.integers(0, 65536, (4, 24, 24, 1)).astype(np.uint16),
        {"value_range": (0, 65535)},
    ),
    "floats without channels": (RANDOM.random((4, 28, 28)), {}),
    "normalised, channels first": (
        ((RANDOM.random((4, 3, 20, 24)) - 0.5) / 0.25).astype(np.float32),
        {"data_format": "channels_first", "normalized": ((0.5,) * 3, (0.25,) * 3)},
    ),
    "tiny": (RANDOM.integers(0, 256, (4, 3, 3, 3), dtype=np.uint8), {}),
    "seven bands, shown otherwise": (
        RANDOM.random((4, 16, 16, 7)).astype(np.float32) * 9 - 4,
        {"display": RANDOM.random((4, 16, 16)), "value_range": (-4, 5)},
    ),
    "several sizes": (
        [RANDOM.integers(0, 256, (side, side + 2, 3), dtype=np.uint8) for side in (16, 20, 24, 17)],
        {"preprocess": lambda batch: batch[:, :8, :8]},
    ),
}


def made(images, **options):
    shape = Probe("p", images, **options).images[0].shape[:2]
    masks = []
    for index, image in enumerate(Probe("p", images, **options).images):
        mask = np.zeros(image.shape[:2], bool)
        mask[index % 2 : index % 2 + shape[0] // 3, : shape[1] // 3] = True
        masks.append(mask)
    return Probe("p", images, labels=[0, 1, 0, 1], regions={"spot": masks}, **options)


def variants(probe, names=None):
    asked = (each for edit in edits.wanted(names) for each in edit.variants(probe))
    return {variant.about.name: variant for variant in asked}


def edit(probe, name, index=0, donor=1):
    return {**variants(probe), **variants(probe, [*edits.known()])}[name].make(
        View(probe, index, donor)
    )


def test_there_are_25_and_those_of_regions():
    plain = Probe("p", KINDS["RGB uint8"][0])
    assert len(variants(plain)) == 25
    assert set(edits.DEFAULT) == set(edits.known())
    assert len(variants(made(*KINDS["RGB uint8"][:1]))) == 25 + 3 + 4


@pytest.mark.parametrize("kind", KINDS)
def test_an_edit_is_an_image_of_the_same_kind_and_always_the_same(kind):
    images, options = KINDS[kind]
    probe, again = made(images, **options), made(images, **options)
    for name, variant in variants(probe).items():
        found = variant.make(View(probe, 0, 1))
        if found is None:
            assert name in ("no colour", "shuffled 4×4") or "elsewhere" in name
            continue
        assert (found.shape, found.dtype) == (probe.images[0].shape, probe.images[0].dtype)
        assert np.isfinite(found).all()
        np.testing.assert_array_equal(found, variants(again)[name].make(View(again, 0, 1)))
        if probe.images[0].shape[2] == 4 and name in (
            "no colour",
            "donor's colours",
            "donor's sharpness",
        ):
            np.testing.assert_array_equal(found[..., 3], probe.images[0][..., 3])


@pytest.mark.parametrize("kind", ["grey uint8", "floats without channels", "16 bit"])
def test_a_grey_image_has_no_colour_to_lose(kind):
    images, options = KINDS[kind]
    assert edit(made(images, **options), "no colour") is None


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_no_colour_is_pillows_grey(dtype):
    images = KINDS["RGB uint8"][0]
    given = images if dtype is np.uint8 else (images / np.float32(255)).astype(np.float32)
    found = edit(made(given), "no colour")
    grey = np.asarray(Image.fromarray(images[0]).convert("L"), np.float64)
    scale = 1 if dtype is np.uint8 else 255
    np.testing.assert_allclose(found * float(scale), np.dstack([grey] * 3), atol=1.01)
    alike = np.dstack([grey.astype(np.uint8)] * 3)[None].repeat(4, 0)
    probe = made(alike)
    view = View(probe, 0, 1)
    assert not view.differs(variants(probe)["no colour"].make(view))


def test_what_was_normalised_is_grey_before_that():
    images, options = KINDS["normalised, channels first"]
    std = (0.2, 0.25, 0.3)
    probe = Probe("p", images / 2, **{**options, "normalized": ((0.5,) * 3, std)})
    found = edit(probe, "no colour")
    before = probe.images[0] * np.array(std) + 0.5
    grey = before @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(found * np.array(std) + 0.5, np.dstack([grey] * 3), atol=1e-6)


def test_the_donors_colours_are_its_mean_and_spread():
    images = (0.3 + 0.4 * RANDOM.random((4, 16, 16, 3))).astype(np.float32)
    images[1] = images[1] * 0.5 + [0.1, 0.2, 0.3]
    probe = made(images)
    found = edit(probe, "donor's colours")
    np.testing.assert_allclose(found.mean((0, 1)), images[1].mean((0, 1)), atol=1e-5)
    np.testing.assert_allclose(found.std((0, 1)), images[1].std((0, 1)), atol=1e-5)
    flat = np.full((4, 8, 8, 1), 0.5, np.float32)
    flat[1] = 0.25
    np.testing.assert_allclose(edit(Probe("p", flat), "donor's colours"), 0.25)


def test_the_donors_sharpness_is_the_spread_of_its_details():
    images = (0.4 + 0.2 * RANDOM.random((4, 16, 16, 3))).astype(np.float32)
    # Of 16 pixels there is one band: what a Gaussian of 0.7 pixels takes away.
    row = np.exp(-0.5 * (np.subtract.outer(np.arange(16), np.arange(16)) / 0.7) ** 2)
    row = row / row.sum(1, keepdims=True)
    smooth = np.einsum("ij,njkc,lk->nilc", row, images.astype(np.float64), row)
    own, other = (images - smooth)[:2]
    expected = smooth[0] + own * other.std((0, 1)) / own.std((0, 1))
    np.testing.assert_allclose(edit(made(images), "donor's sharpness"), expected, atol=1e-6)
    # Of the same image it is the image; what is flat stays so.
    alike = made(images[:1].repeat(4, 0))
    view = View(alike, 0, 1)
    assert not view.differs(variants(alike)["donor's sharpness"].make(view))
    flat = images.copy()
    flat[0] = 0.5
    np.testing.assert_allclose(edit(made(flat), "donor's sharpness"), 0.5, atol=1e-6)


def test_blur_and_detail_are_all_there_is():
    images = (0.4 + 0.2 * RANDOM.random((4, 32, 32, 1))).astype(np.float32)
    probe = made(images)
    sigma = 2  # 1/16 of 32
    row = np.exp(-0.5 * ((np.arange(32) - 16) / sigma) ** 2)
    row = row / row.sum()
    blurred, detail = edit(probe, "blurred"), edit(probe, "fine detail only")
    by_hand = row @ images[0, :, :, 0] @ row
    # At the middle no edge is near.
    assert blurred[16, 16, 0] == pytest.approx(by_hand, abs=1e-6)
    np.testing.assert_allclose(blurred + detail - images[0].mean(), images[0], atol=1e-6)


def test_shuffled_tiles_are_the_images_own_and_none_stays():
    images = np.arange(16 * 16, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(4, 0)
    found = edit(made(images), "shuffled 4×4")

    def tiles(image):
        return [
            image[y : y + 4, x : x + 4].tobytes() for y in range(0, 16, 4) for x in range(0, 16, 4)
        ]

    assert sorted(tiles(found)) == sorted(tiles(images[0]))
    assert not any(a == b for a, b in zip(tiles(found), tiles(images[0]), strict=True))


def test_rows_that_are_left_over_stay():
    images, options = KINDS["grey uint8"]
    found = edit(made(images, **options), "shuffled 4×4")
    np.testing.assert_array_equal(found[20:], images[0][20:])
    np.testing.assert_array_equal(found[:, 28:], images[0][:, 28:])


def test_what_is_symmetric_is_not_changed_by_a_mirror():
    images = KINDS["RGB uint8"][0].copy()
    np.testing.assert_array_equal(edit(made(images), "mirrored"), images[0][:, ::-1])
    images[0, :, 16:] = images[0, :, :16][:, ::-1]
    probe = made(images)
    view = View(probe, 0, 1)
    assert not view.differs(variants(probe)["mirrored"].make(view))


PLACES = {
    "top": np.s_[:8, :],
    "middle": np.s_[8:16, :],
    "bottom": np.s_[16:, :],
    "left": np.s_[:, :8],
    "centre": np.s_[:, 8:16],
    "right": np.s_[:, 16:],
    "inside": np.s_[3:21, 3:21],
}


@pytest.mark.parametrize("name", PLACES)
def test_places_are_hidden_in_the_mean_and_swapped_for_the_donors(name):
    images = RANDOM.random((4, 24, 24, 3)).astype(np.float32)
    probe, expected = made(images), images[0].copy()
    expected[PLACES[name]] = images[1][PLACES[name]]
    np.testing.assert_array_equal(edit(probe, f"{name}, swapped"), expected)
    expected[PLACES[name]] = images[0].mean((0, 1))
    np.testing.assert_allclose(edit(probe, f"{name}, hidden"), expected, atol=1e-6)


def test_border_and_corners():
    images = RANDOM.random((4, 24, 24, 1)).astype(np.float32)
    probe = made(images)
    swapped = edit(probe, "border, swapped")
    np.testing.assert_array_equal(swapped[3:21, 3:21], images[0][3:21, 3:21])
    changed = (swapped != images[0])[..., 0]
    assert changed.sum() == 24 * 24 - 18 * 18
    changed = (edit(probe, "corners, swapped") != images[0])[..., 0]
    assert changed.sum() == 4 * 6 * 6
    assert changed[:6, :6].all()
    assert changed[-6:, -6:].all()


def test_a_donor_of_another_size_is_brought_to_the_images():
    probe = made(KINDS["several sizes"][0], **KINDS["several sizes"][1])
    found = edit(probe, "top, swapped", donor=2)
    scaled = Image.fromarray(probe.images[2]).resize((18, 16), Image.Resampling.BILINEAR)
    np.testing.assert_allclose(found[:5], np.asarray(scaled, np.float64)[:5], atol=1.01)
    np.testing.assert_array_equal(found[5:], probe.images[0][5:])


def test_without_a_donor_nothing_is_swapped():
    probe = made(KINDS["RGB uint8"][0])
    for name, variant in variants(probe).items():
        lacks = variant.make(View(probe, 0, None)) is None
        assert lacks is (variant.about.form == "swapped"), name


def test_of_masks_one_an_image_no_second_object_comes_along():
    images = RANDOM.random((4, 12, 12, 1)).astype(np.float32)
    own, others = np.zeros((12, 12), bool), np.zeros((12, 12), bool)
    own[:6, :6], others[3:9, 3:9] = True, True
    probe = Probe("p", images, labels=[0, 1, 0, 1], regions={"tank": {0: own, 1: others}})
    swapped = edit(probe, "tank, swapped")[..., 0]
    np.testing.assert_array_equal(swapped[3:6, 3:6], images[1][3:6, 3:6, 0])
    # Where the donor's tank is not, its mean stands.
    np.testing.assert_allclose(swapped[:3, :6], images[1][others].mean(), atol=1e-6)
    np.testing.assert_array_equal(swapped[6:], images[0][6:, :, 0])
    rest = edit(probe, "all but tank, swapped")[..., 0]
    np.testing.assert_array_equal(rest[:6, :6], images[0][:6, :6, 0])
    np.testing.assert_allclose(rest[6:9, 6:9], images[1][~others].mean(), atol=1e-6)
    np.testing.assert_array_equal(rest[10:, 10:], images[1][10:, 10:, 0])
    # The other images have no tank.
    assert edit(probe, "tank, hidden", 2, 3) is None


def test_elsewhere_the_donors_own_region_does_not_come_along():
    images = RANDOM.random((4, 12, 12, 1)).astype(np.float32)
    own, others = np.zeros((12, 12), bool), np.zeros((12, 12), bool)
    own[:3, :3] = True
    (place, _) = elsewhere(own)
    others[np.nonzero(place)] = True
    probe = Probe("p", images, labels=[0, 1, 0, 1], regions={"tank": {0: own, 1: others}})
    found = edit(probe, "tank elsewhere (1), swapped")[..., 0]
    np.testing.assert_allclose(found[place], images[1][~others].mean(), atol=1e-6)
    np.testing.assert_array_equal(found[~place], images[0][~place][..., 0])


def test_of_one_mask_for_all_the_donors_pixels_stay_as_they_are():
    images = RANDOM.random((4, 12, 12, 1)).astype(np.float32)
    mask = np.zeros((12, 12), bool)
    mask[:4] = True
    probe = Probe("p", images, labels=[0, 1, 0, 1], regions={"sky": mask})
    expected = np.where(mask[..., None], images[1], images[0])
    np.testing.assert_array_equal(edit(probe, "sky, swapped"), expected)


def test_elsewhere_is_of_the_same_shape_and_apart():
    mask = np.zeros((16, 16), bool)
    mask[:4, :4] = True
    found = elsewhere(mask)
    assert len(found) == 2
    for moved in found:
        assert moved.sum() == mask.sum()
        assert not (moved & mask).any()
    assert not (found[0] & found[1]).any()
    # As far from the middle as it is, where it can be mirrored; else it is moved.
    corner, low = np.flip(mask, (0, 1)), np.flip(mask, 0)
    assert [each.tobytes() for each in found] == [corner.tobytes(), low.tobytes()]
    inside = np.zeros((16, 16), bool)
    inside[6:10, 6:10] = True
    assert [(each & inside).any() for each in elsewhere(inside)] == [False, False]
    # Of most of an image there is no elsewhere.
    assert elsewhere(~mask) == ()


def test_references_name_what_they_are_the_references_of():
    asked = variants(made(KINDS["RGB uint8"][0]))
    of = {name: each.about.matched for name, each in asked.items() if each.about.matched}
    assert of == {
        f"spot elsewhere ({number}), {form}": f"spot, {form}"
        for number in (1, 2)
        for form in ("swapped", "hidden")
    }


def test_a_region_of_a_places_name_is_asked_about_beside_the_place():
    mask = np.zeros((32, 32), bool)
    mask[:4] = True
    probe = Probe("p", KINDS["RGB uint8"][0], labels=[0, 1, 0, 1], regions={"top": mask})
    asked = variants(probe)
    assert asked["top, swapped"].about.region == ""
    found = asked["region top, swapped"]
    assert found.about.region == "top"
    assert (found.make(View(probe, 0, 1)) != probe.images[0]).any(-1).sum() <= mask.sum()
    assert asked["region top elsewhere (1), hidden"].about.matched == "region top, hidden"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("blurred", "pass a list"),
        (["sepia"], "edit 'sepia' is unknown: pass one of blurred, border"),
        ([3], "3 is no edit: pass a name, such as 'blurred'"),
        ([], "edits is empty: pass at least one, or leave it out"),
        (["top", "top"], "pass each once"),
    ],
)
def test_wrong_edits_say_what_to_pass(given, message):
    with pytest.raises((TypeError, ValueError), match=message):
        edits.wanted(given)


def test_the_page_on_new_edits_is_true(tmp_path, monkeypatch):
    page = Path(__file__).parents[3] / "docs/extending/new-edit.md"
    examples = re.findall(r"```python\n(.*?)```", page.read_text(), re.S)
    monkeypatch.chdir(tmp_path)
    weights = RANDOM.normal(size=(256, 2))
    probe = Probe("sample", RANDOM.random((8, 16, 16)), labels=[0, 1] * 4, output="logits")
    given = {
        "summary": summary,
        "sample": probe,
        "model": lambda batch: batch.reshape(len(batch), -1) @ weights,
    }
    exec(compile("\n".join(examples), str(page), "exec"), given)
    flush()
    found = read(tmp_path / "logs")["run1"]["sample"].edits()
    assert found.names == ("no colour", "blurred", "night")
    assert np.isfinite(found.moves[0, 2]).all()


def test_another_packages_edit_is_found_by_its_name(tmp_path, monkeypatch):
    (tmp_path / "picasso_dim.py").write_text(
        "from tensorboard_picasso.extend import WholeImage\n"
        "class Dim(WholeImage):\n"
        "    name, takes = 'dim', 'light'\n"
        "    def edited(self, view):\n"
        "        return (view.image // 2).astype(view.image.dtype)\n"
    )
    about = tmp_path / "picasso_dim-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: picasso-dim\nVersion: 1\n")
    (about / "entry_points.txt").write_text(
        "[tensorboard_picasso.edits]\ndim = picasso_dim:Dim\nsepia = picasso_dim:Dim\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    probe = made(KINDS["RGB uint8"][0])
    (variant,) = variants(probe, ["dim"]).values()
    np.testing.assert_array_equal(variant.make(View(probe, 0, 1)), probe.images[0] // 2)
    with pytest.raises(TypeError, match="picasso_dim:Dim is no edit of that name"):
        edits.wanted(["sepia"])
    with pytest.raises(ValueError, match=r"edit 'none' is unknown: pass one of .*dim"):
        edits.wanted(["none"])
