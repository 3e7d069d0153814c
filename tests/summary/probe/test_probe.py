import copy
import dataclasses
import io
import pickle
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from PIL import Image

from tensorboard_picasso.stored import record
from tensorboard_picasso.summary.probe.probe import Probe

rng = np.random.default_rng(0)
RGB = rng.integers(0, 256, (3, 6, 4, 3), np.uint8)
CORNER = np.zeros((6, 4), bool)
CORNER[:2, :2] = True


def pixels(shown):
    return np.asarray(Image.open(io.BytesIO(shown.png)))


def test_a_probe_holds_what_it_was_given():
    probe = Probe(
        "val/animals",
        RGB,
        labels=["cat", "owl", "cat"],
        class_names=["cat", "dog", "owl"],
        regions={"corner": CORNER},
        targets=["dog"],
        region_fill=["mean", "black"],
        names=["a", "b", "c"],
    )
    assert (probe.name, len(probe), repr(probe)) == (
        "val/animals",
        3,
        "Probe('val/animals', 3 images)",
    )
    np.testing.assert_array_equal(probe.images, RGB)
    assert (probe.labels, probe.targets) == ((0, 2, 0), (1,))
    assert (probe.top_k, probe.max_lasting, probe.output) == (2, 8, "auto")
    assert probe.region_fills == ("mean", "black")
    assert probe.names == ("a", "b", "c")
    assert probe.preprocess is probe.postprocess is probe.decode_prob is None
    assert not probe.has_alignment
    assert not probe.kept


def test_the_record_survives_its_bytes():
    probe = Probe(
        "p", RGB, labels=[0, 1, 2], class_names=["ab", "c", "d"], regions={"corner": CORNER}
    )
    shown = record.unpack_input(record.pack_input(probe.shown(1)))
    np.testing.assert_array_equal(pixels(shown), RGB[1])
    assert (shown.height, shown.width, shown.label, shown.name) == (6, 4, 1, "1")
    assert shown.class_names == ("ab", "c", "d")
    assert shown.hash == probe.hashes[1]
    np.testing.assert_array_equal(shown.regions["corner"], CORNER)
    assert not shown.display
    assert shown.unseen is None
    assert probe.shown(1) is probe.shown(1)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_images_are_shown_as_they_are(channels):
    images = rng.integers(0, 256, (2, 6, 4, channels), np.uint8)
    expected = images[0][..., 0] if channels == 1 else images[0]
    np.testing.assert_array_equal(pixels(Probe("p", images).shown(0)), expected)
    as_floats = Probe("p", (images / 255).astype(np.float32))
    np.testing.assert_array_equal(pixels(as_floats.shown(0)), expected)


def test_the_hash_covers_image_and_display_and_nothing_else():
    plain = Probe("p", RGB)
    assert [len(each) for each in plain.hashes] == [16] * 3
    assert len(set(plain.hashes)) == 3
    assert Probe("another", RGB, labels=[0, 1, 2]).hashes == plain.hashes
    changed = RGB.copy()
    changed[1, 0, 0, 0] ^= 1
    assert [a == b for a, b in zip(Probe("p", changed).hashes, plain.hashes, strict=True)] == [
        True,
        False,
        True,
    ]
    assert Probe("p", RGB, display=RGB[::-1]).hashes[0] != plain.hashes[0]
    assert Probe("p", changed, display=RGB).hashes[1] != Probe("p", RGB, display=RGB).hashes[1]
    assert Probe("p", RGB.astype(np.int32)).hashes[0] != plain.hashes[0]
    assert Probe("p", RGB.reshape(3, 4, 6, 3)).hashes[0] != plain.hashes[0]


def test_file_names_are_the_images_names(tmp_path):
    for name, image in zip("ab", RGB, strict=False):
        Image.fromarray(image).save(tmp_path / f"{name}.png")
    probe = Probe("p", [tmp_path / "a.png", str(tmp_path / "b.png")])
    assert probe.names == ("a.png", "b.png")
    np.testing.assert_array_equal(probe.images, RGB[:2])


# What the model gets


def test_the_model_gets_the_images_as_they_were_handed_in():
    assert Probe("p", RGB).model_input(RGB).dtype == np.uint8
    np.testing.assert_array_equal(Probe("p", RGB).model_input(RGB), RGB)
    first = np.moveaxis(RGB, -1, 1)
    probe = Probe("p", first, data_format="channels_first")
    np.testing.assert_array_equal(probe.images, RGB)
    np.testing.assert_array_equal(probe.model_input(RGB), first)
    grey = rng.random((2, 6, 4)).astype(np.float32)
    probe = Probe("p", grey)
    np.testing.assert_array_equal(probe.model_input(np.stack(probe.images)), grey)
    probe = Probe("p", grey[..., None])
    np.testing.assert_array_equal(probe.model_input(np.stack(probe.images)), grey[..., None])


def test_preprocess_gets_the_callers_layout_and_dtype():
    seen = []

    def preprocess(batch):
        seen.append((batch.shape, batch.dtype))
        return batch[:, :, :2, :2] / 255

    probe = Probe("p", np.moveaxis(RGB, -1, 1), data_format="channels_first", preprocess=preprocess)
    result = probe.model_input(RGB)
    assert seen == [((3, 3, 6, 4), np.uint8)]
    np.testing.assert_allclose(result, np.moveaxis(RGB, -1, 1)[:, :, :2, :2] / 255)
    np.testing.assert_array_equal(probe.raw_batch(RGB), np.moveaxis(RGB, -1, 1))


def test_preprocess_may_work_in_place():
    def preprocess(batch):
        batch /= 2
        return batch

    images = rng.random((2, 6, 4, 3)).astype(np.float32)
    probe = Probe("p", images, preprocess=preprocess)
    batch = np.stack(probe.images)
    for _ in range(2):
        np.testing.assert_array_equal(probe.model_input(batch), images / 2)
    np.testing.assert_array_equal(batch, images)
    np.testing.assert_array_equal(probe.images, images)


def test_preprocess_may_return_tensors_and_lists():
    import tensorflow as tf

    for convert in (tf.constant, list):
        probe = Probe("p", RGB, preprocess=lambda batch, convert=convert: convert(batch / 255))
        np.testing.assert_allclose(probe.model_input(RGB), RGB / 255)


@pytest.mark.parametrize(
    ("preprocess", "message"),
    [
        (lambda batch: batch[0], r"returns shape \(6, 4, 3\) for a batch of 3"),
        (lambda batch: batch.mean(), "takes a batch and returns one of the same size"),
        (lambda batch: batch.astype(str), "preprocess returns dtype <U"),
        (lambda batch: None, "output of preprocess of type NoneType .* hold no numbers"),
    ],
)
def test_what_preprocess_may_not_return(preprocess, message):
    with pytest.raises((TypeError, ValueError), match=message):
        Probe("p", RGB, preprocess=preprocess).model_input(RGB)


def test_values_over_inputs_become_channels_last():
    probe = Probe("p", RGB)
    values = rng.random((2, 6, 4, 3))
    np.testing.assert_array_equal(probe.channels_last(values), values)
    first = Probe("p", np.moveaxis(RGB, -1, 1), data_format="channels_first")
    moved = np.moveaxis(values, -1, 1)
    np.testing.assert_array_equal(first.channels_last(moved), values)
    flat = values[..., 0]
    np.testing.assert_array_equal(probe.channels_last(flat), flat[..., None])


def test_a_layout_changed_by_preprocess_is_recognised():
    values = rng.random((2, 3, 6, 5))
    moved = np.moveaxis(values, 1, -1)
    last = Probe("p", RGB, preprocess=lambda batch: np.moveaxis(batch, -1, 1))
    np.testing.assert_array_equal(last.channels_last(values), moved)
    first = Probe(
        "p",
        np.moveaxis(RGB, -1, 1),
        data_format="channels_first",
        preprocess=lambda batch: np.moveaxis(batch, 1, -1),
    )
    np.testing.assert_array_equal(first.channels_last(moved), moved)
    np.testing.assert_array_equal(Probe("p", RGB).channels_last(values), values)


# Images of other kinds


def test_images_of_different_sizes():
    images = [RGB[0], RGB[1, :5, :3]]
    probe = Probe("p", images, preprocess=lambda batch: batch[:, :3, :3])
    assert [image.shape for image in probe.images] == [(6, 4, 3), (5, 3, 3)]
    assert probe.filled(1, "mean").shape == (5, 3, 3)
    with pytest.raises(ValueError, match="images have 2 sizes: pass preprocess= that brings them"):
        Probe("p", images)


def test_display_is_shown_and_the_model_gets_the_images():
    scans = rng.integers(0, 4000, (3, 6, 4, 7), np.uint16)
    probe = Probe("p", scans, display=list(RGB), regions={"corner": CORNER}, region_fill="blur")
    shown = probe.shown(2)
    assert shown.display
    np.testing.assert_array_equal(pixels(shown), RGB[2])
    np.testing.assert_array_equal(probe.model_input(scans), scans)
    with pytest.raises(ValueError, match="pass value_range="):
        probe.filled(0, "black")
    assert Probe("p", scans, display=RGB, value_range=(0, 4095)).filled(0, "white").max() == 4095


def test_deep_integers_can_be_shown_by_their_range():
    scans = np.array([[[0, 2048], [4095, 1]]], np.uint16)
    assert pixels(Probe("p", scans, value_range=(0, 4095)).shown(0)).tolist() == [
        [0, 128],
        [255, 0],
    ]


def test_more_than_max_images_are_left_out_and_told_once(capsys):
    images = np.zeros((40, 4, 4, 1), np.uint8)
    masks = np.zeros((40, 4, 4), bool)
    masks[:16, 0] = True
    masks[16:, 1] = True
    for _ in range(2):
        probe = Probe(
            "left out",
            images,
            labels=np.arange(40),
            regions={"row": masks},
            names=list(map(str, range(40))),
            display=images,
        )
    assert (len(probe), probe.labels, len(probe.regions)) == (16, tuple(range(16)), 16)
    assert all(each["row"][0].all() for each in probe.regions)
    said = capsys.readouterr().err
    assert said.count('probe "left out" keeps 16 of 40 images') == 1
    assert "max_images=40 keeps all" in said
    assert len(Probe("p", images, max_images=40)) == 40
    assert capsys.readouterr().err == ""


def test_images_that_are_left_out_are_not_read(tmp_path):
    Image.fromarray(RGB[0]).save(tmp_path / "a.png")
    assert len(Probe("p", [tmp_path / "a.png", tmp_path / "missing.png"], max_images=1)) == 1


# Regions and fills


def test_regions_for_all_images_and_for_each():
    each = np.stack([np.roll(CORNER, k, axis=0) for k in range(3)])
    probe = Probe("p", RGB, regions={"corner": CORNER, "each": each, "list": list(each)})
    for index in range(3):
        regions = probe.regions[index]
        assert list(regions) == ["corner", "each", "list"]
        np.testing.assert_array_equal(regions["corner"], CORNER)
        np.testing.assert_array_equal(regions["each"], each[index])
        np.testing.assert_array_equal(regions["list"], each[index])
    assert Probe("p", RGB).regions == ({}, {}, {})


def test_masks_of_zero_and_one_count_as_booleans():
    for given in (CORNER.astype(np.uint8), CORNER.astype(float), CORNER.tolist()):
        mask = Probe("p", RGB, regions={"corner": given}).regions[0]["corner"]
        assert mask.dtype == bool
        np.testing.assert_array_equal(mask, CORNER)


def test_regions_of_images_of_different_sizes():
    images = [RGB[0], RGB[1, :5, :3]]
    masks = [CORNER, CORNER[:5, :3]]
    probe = Probe("p", images, preprocess=lambda batch: batch, regions={"corner": masks})
    assert [each["corner"].shape for each in probe.regions] == [(6, 4), (5, 3)]


def test_regions_of_some_images():
    probe = Probe("p", RGB, regions={"corner": {0: CORNER, np.int64(2): CORNER}}, max_images=3)
    assert [list(each) for each in probe.regions] == [["corner"], [], ["corner"]]
    np.testing.assert_array_equal(probe.regions[2]["corner"], CORNER)
    left_out = Probe("p", RGB, regions={"corner": {0: CORNER, 2: CORNER}}, max_images=1)
    assert [list(each) for each in left_out.regions] == [["corner"]]


def test_further_regions():
    options = {"labels": [0, 1, 2], "region_fill": "black", "names": ["a", "b", "c"]}
    probe = Probe("p", RGB, regions={"corner": CORNER}, source_indices=[5, 6, 7], **options)
    probe.shown(0)
    made = probe.with_regions({"rest": ~CORNER}).with_regions({"corner": {1: ~CORNER}})
    assert [list(each) for each in made.regions] == [["rest"], ["rest", "corner"], ["rest"]]
    np.testing.assert_array_equal(made.regions[1]["corner"], ~CORNER)
    assert [list(each) for each in probe.regions] == [["corner"]] * 3
    assert list(made.shown(1).regions) == ["rest", "corner"]
    assert list(probe.shown(1).regions) == ["corner"]
    unchanged = {"_regions", "_inputs", "_grown"}
    given, kept = (
        {k: v for k, v in vars(each).items() if k not in unchanged} for each in (probe, made)
    )
    assert {k for k in given if kept[k] is not given[k]} == set()
    with pytest.raises(ValueError, match="2 x 2, its image 6 x 4: pass a mask of the viewed"):
        probe.with_regions({"corner": CORNER[:2, :2]})
    with pytest.raises(TypeError, match="regions of type ndarray"):
        probe.with_regions(CORNER)


@pytest.mark.parametrize(
    ("regions", "message"),
    [
        (CORNER, "regions of type ndarray: pass {name: mask}"),
        ({1: CORNER}, "region name 1: pass a string"),
        ({"sky": CORNER.T}, "region 'sky' of image 0 is 4 x 6, its image 6 x 4: pass a mask of"),
        ({"sky": np.stack([CORNER] * 2)}, "region 'sky' has 2 masks for 3 images: pass one each"),
        ({"sky": [CORNER] * 4}, "region 'sky' has 4 masks for 3 images"),
        ({"sky": CORNER[0]}, r"region 'sky' has shape \(4,\)"),
        ({"sky": CORNER & False}, "region 'sky' of image 0 is empty: leave out the image or the"),
        ({"sky": {"0": CORNER}}, "region 'sky' has key '0': pass {index of the image: mask}"),
        ({"sky": {3: CORNER}}, "region 'sky' lies on image 3 of 3: count from 0"),
        ({"sky": {}}, "region 'sky' lies on none of the 3 images: pass a mask of one"),
        ({"sky": {1: CORNER & False}}, "region 'sky' of image 1 is empty"),
        ({"sky": CORNER | True}, "region 'sky' of image 0 is the whole image"),
        ({"sky": [CORNER, CORNER, CORNER & False]}, "region 'sky' of image 2 is empty"),
        ({"sky": CORNER * 255}, "holds 255: pass booleans, such as mask > 0"),
        ({"sky": []}, "region 'sky'"),
        ({"sky": None}, "region 'sky' of type NoneType"),
        ({"sky": "all"}, "region 'sky' is 'all': pass a mask of booleans"),
    ],
)
def test_wrong_regions_raise(regions, message):
    with pytest.raises((TypeError, ValueError), match=message):
        Probe("p", RGB, regions=regions)


def test_a_filled_image_has_one_colour():
    probe = Probe("p", RGB)
    mean = np.rint(RGB[1].reshape(-1, 3).mean(0))
    np.testing.assert_array_equal(probe.filled(1, "mean"), np.broadcast_to(mean, (6, 4, 3)))
    assert probe.fill_name("mean") == "image mean"
    np.testing.assert_array_equal(probe.filled(1, "noise"), Probe("q", RGB).filled(1, "noise"))
    assert not np.array_equal(probe.filled(0, "noise"), probe.filled(1, "noise"))


# Class names that come from the model


def test_decode_prob_names_the_classes_once():
    calls = []

    def decode_prob(probabilities):
        calls.append(probabilities.shape)
        return ["cat", "dog"]

    probe = Probe("p", RGB, decode_prob=decode_prob)
    assert probe.shown(0).class_names == ()
    for _ in range(2):
        probe.name_classes(np.full((3, 2), 0.5))
    assert probe.shown(0).class_names == probe.class_names == ("cat", "dog")
    assert calls == [(3, 2)]
    given = Probe("p", RGB, decode_prob=decode_prob, class_names=["x", "y"])
    given.name_classes(np.full((3, 2), 0.5))
    assert given.class_names == ("x", "y")


# What raises


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data_format": "NCHW"}, "data_format='NCHW': pass one of channels_last, channels_first"),
        ({"output": "softmax"}, "output='softmax': pass one of auto, logits, probabilities"),
        ({"top_k": -1}, "top_k=-1: pass an integer from 0"),
        ({"top_k": 2.0}, "top_k=2.0: pass an integer"),
        ({"top_k": 0}, "top_k=0 leaves nothing to explain: pass labels= or targets="),
        ({"max_lasting": "8"}, "max_lasting='8'"),
        ({"max_images": 0}, "max_images=0: pass an integer from 1"),
        ({"max_images": True}, "max_images=True"),
        ({"preprocess": 255}, "preprocess=255: pass a function"),
        ({"postprocess": "mean"}, "postprocess='mean': pass a function"),
        ({"decode_prob": ["cat"]}, "decode_prob=.*: pass a function"),
        ({"names": "abc"}, "names='abc' for 3 images: pass one each"),
        ({"names": ["a"]}, r"names=\['a'\] for 3 images"),
        ({"labels": [1]}, "labels: 1 for 3 images"),
        ({"region_fill": "gray"}, "fill 'gray' is unknown"),
        ({"region_fill": []}, "region_fill is empty"),
        ({"display": RGB[:2]}, "display has 2 images for 3: pass one each"),
        ({"display": RGB[:, :5]}, "display image 0 is 5 x 4, its image 6 x 4: pass the same size"),
        ({"display": RGB / 1.0}, r"display pixels span .*: pass value_range=|display pixels"),
        ({"display": np.zeros((3, 6, 4, 2), np.uint8)}, "display image 0 has 2 channels"),
        ({"value_range": (9, 1)}, "value_range=.9, 1.: low must be below high"),
        ({"colour": 1}, "unexpected keyword argument 'colour'"),
    ],
)
def test_wrong_options_raise(options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        Probe("p", RGB, **options)


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        (RGB / 1.0, {}, r"pixels span 0?.*\.\.\d+: pass value_range=\(0, 255\)"),
        (np.zeros((2, 6, 4, 5), np.uint8), {}, "image 0 has 5 channels, .*: pass display="),
        (np.zeros((2, 3, 9, 9), np.uint8), {}, 'has 9 channels, .*: pass data_format="channels_fi'),
        (
            np.zeros((2, 9, 9, 3), np.uint8),
            {"data_format": "channels_first"},
            'has 9 channels, .*: pass data_format="channels_last"',
        ),
        ([RGB[0], RGB[1, ..., :1]], {}, "image 1 has 1 channels of uint8, image 0 3 of uint8"),
        ([RGB[0], RGB[1] / 255], {}, "image 1 has 3 channels of float32, image 0 3 of uint8"),
        (np.zeros((2, 4, 4), np.uint16), {}, "pixels are uint16 and span 0..0: pass display="),
    ],
)
def test_wrong_images_raise(images, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        Probe("p", images, **options)


@pytest.mark.parametrize("name", ["", None, 3])
def test_a_probe_needs_a_name(name):
    with pytest.raises(TypeError, match=f"probe name {name!r}: pass a string"):
        Probe(name, RGB)


def test_a_fill_that_integers_cannot_hold_raises():
    images = np.zeros((1, 4, 4), np.uint8)
    for fill in (0.5, 300):
        with pytest.raises(ValueError, match=r"is no value of uint8 images: .* 0 to 255"):
            Probe("p", images, region_fill=fill)
        with pytest.raises(ValueError, match="is no value of uint8 images"):
            Probe("p", images).filled(0, fill)


def test_what_is_shown_instead_has_its_own_remedy():
    images = np.zeros((1, 4, 4, 7), np.float32)
    shown = np.full((1, 4, 4), 200.0)
    with pytest.raises(ValueError, match=r"display pixels span 200..200: pass display= in 0..1"):
        Probe("p", images, display=shown)
    assert len(Probe("p", images, display=shown / 255)) == 1


def test_negative_integers_have_one_remedy():
    images = np.array([[[-100, 2000], [0, 5]]], np.int16)
    with pytest.raises(ValueError, match=r"value_range=\(-256, 2047\)"):
        Probe("p", images)
    assert len(Probe("p", images, value_range=(-256, 2047))) == 1


def test_decode_prob_is_asked_until_all_classes_have_a_name():
    names = ["cat", "cow", "dog"]
    probe = Probe(
        "p",
        np.zeros((1, 4, 4), np.float32),
        decode_prob=lambda p: [[(int(row.argmax()), names[row.argmax()])] for row in p],
    )
    probe.name_classes(np.array([[0.8, 0.1, 0.1]]))
    assert probe.class_names == ("cat", "1", "2")
    first = probe.shown(0)
    probe.name_classes(np.array([[0.1, 0.8, 0.1]]))
    assert probe.class_names == ("cat", "cow", "2")
    assert first.class_names != probe.shown(0).class_names
    with pytest.raises(ValueError, match="raw"):
        Probe("p", np.zeros((1, 4, 4)), output="raw", decode_prob=lambda p: names)


def test_names_of_another_count_than_the_models_raise():
    images = np.zeros((1, 4, 4), np.float32)
    with pytest.raises(ValueError, match="class_names has 2 names and the model 3 classes"):
        Probe("p", images, class_names=["a", "b"]).check_classes(3)
    Probe("p", images, class_names={1: "b"}).check_classes(3)
    Probe("p", images).check_classes(3)


def test_masks_with_a_channel_axis_and_pictures_of_bits():
    mask = np.zeros((4, 4), bool)
    mask[1] = True
    picture = Image.fromarray(mask)
    for given in (
        mask[:, :, None],
        picture,
        [mask[:, :, None]] * 2,
        np.stack([mask, mask])[..., None],
    ):
        probe = Probe("p", np.zeros((2, 4, 4), np.float32), regions={"r": given})
        np.testing.assert_array_equal(probe.regions[1]["r"], mask)


def test_pytorch_tensors_have_their_channels_first_and_reach_preprocess_as_tensors():
    given = []

    def preprocess(batch):
        given.append(batch)
        return batch.mean(1, keepdim=True)

    tensors = torch.from_numpy(np.moveaxis(RGB, -1, 1).astype(np.float32) / 255)
    for images in (tensors, list(tensors)):
        probe = Probe("p", images, preprocess=preprocess, display=list(RGB))
        assert probe.data_format == "channels_first"
        assert probe.images[0].shape == RGB[0].shape
        inputs = probe.model_input(np.stack(probe.images))
        assert torch.equal(given[-1], tensors)
        np.testing.assert_allclose(inputs, tensors.mean(1, keepdim=True))
    last = Probe("p", torch.from_numpy(RGB.copy()), data_format="channels_last")
    np.testing.assert_array_equal(last.images[0], RGB[0])
    with pytest.raises(ValueError, match='pass data_format="channels_last"'):
        Probe("p", torch.from_numpy(RGB.copy()))


def test_a_tensor_of_grey_images_without_a_channel_axis_is_a_batch():
    probe = Probe("p", torch.zeros(5, 6, 7))
    assert len(probe) == 5
    assert probe.raw_batch(np.stack(probe.images)).shape == (5, 6, 7)
    with pytest.raises(ValueError, match=r"one image: pass images\[None\]"):
        Probe("p", torch.zeros(3, 6, 7))


def test_bfloat16_tensors_are_read():
    probe = Probe("p", torch.ones(1, 1, 4, 4, dtype=torch.bfloat16))
    assert probe.images[0].dtype == np.float32


def held(value):
    """Each array in what a probe tells of itself."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from held(each)
    elif isinstance(value, tuple):
        for each in value:
            yield from held(each)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from held(getattr(value, field.name))


def test_a_probe_is_read_only():
    beside, over = np.ones((3, 2)), np.ones((6, 4), bool)
    probe = Probe(
        "p", RGB, labels=[0, 1, 2], regions={"corner": CORNER}, display=RGB,
        inputs={"image": None, "beside": beside}, mean_over=over, preprocess=np.copy,
    )  # fmt: skip
    names = {each for each in dir(probe) if not each.startswith("_")}
    assert {"images", "regions", "labels", "output", "task", "hashes", "class_names"} < names
    for name in names:
        before = getattr(probe, name)
        with pytest.raises(AttributeError, match=f"read-only: pass {name}="):
            setattr(probe, name, before)
        with pytest.raises(AttributeError, match=f"read-only, and keeps its {name}"):
            delattr(probe, name)
        for array in () if callable(before) else held(before):
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0
    with pytest.raises(TypeError):
        probe.regions[0]["other"] = CORNER
    assert len(list(held(probe.task))) == 6
    assert len(list(held(probe.regions))) == 3
    # What it was given stays as it was, to be written to.
    beside[:], over[:] = 2, False
    assert probe.task.rows[0][0].tolist() == [1, 1]
    assert probe.task.over[0].all()


def test_a_copy_of_a_probe_is_read_only_too():
    probe = Probe("p", RGB, regions={"corner": CORNER})
    further = probe.with_regions({"rest": ~CORNER})
    for made in (further, copy.deepcopy(probe), pickle.loads(pickle.dumps(probe))):
        with pytest.raises(AttributeError, match="read-only"):
            made.top_k = 3
    assert further.kept is probe.kept
    assert set(probe.regions[0]) == {"corner"}


def test_names_that_are_learned_are_in_the_next_record():
    probe = Probe("p", RGB, decode_prob=lambda probabilities: ["a", "b", "c"])
    before = probe.shown(0)
    assert before.class_names == ()
    probe.name_classes(np.full((3, 3), 1 / 3))
    assert probe.class_names == probe.shown(0).class_names == ("a", "b", "c")
    assert probe.shown(0) is probe.shown(0)
