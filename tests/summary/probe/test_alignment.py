import numpy as np
import pytest
from PIL import Image

from tensorboard_picasso.summary.probe.alignment import AlignmentError, given
from tensorboard_picasso.summary.probe.probe import Probe

rng = np.random.default_rng(0)


def probe(preprocess, shape=(64, 48, 3), count=1, **options):
    images = rng.random((count, *shape)).astype(np.float32)
    return Probe("p", images, preprocess=preprocess, **options)


def resize(height, width, method=Image.Resampling.BILINEAR):
    def apply(batch):
        return np.stack(
            [
                np.stack(
                    [
                        np.asarray(Image.fromarray(image[..., c]).resize((width, height), method))
                        for c in range(image.shape[2])
                    ],
                    axis=-1,
                )
                for image in batch
            ]
        )

    return apply


def crop(top, left, height, width):
    return lambda batch: batch[:, top : top + height, left : left + width]


def pad(top, bottom, left, right):
    return lambda batch: np.pad(batch, ((0, 0), (top, bottom), (left, right), (0, 0)))


def chain(*steps):
    def apply(batch):
        for step in steps:
            batch = step(batch)
        return batch

    return apply


def mirror(batch):
    return batch[:, :, ::-1]


def standardise(batch):
    return (batch - batch.mean((1, 2, 3), keepdims=True)) / batch.std((1, 2, 3), keepdims=True)


def stretch(batch):
    low, high = batch.min((1, 2, 3), keepdims=True), batch.max((1, 2, 3), keepdims=True)
    return (batch - low) / (high - low)


# The matrices follow from the definitions: x' = a x + c, y' = e y + f, in pixel edges.
KNOWN = {
    "nothing": (lambda batch: batch, [1, 0, 0], [0, 1, 0]),
    "scaled values": (lambda batch: batch * 2 - 1, [1, 0, 0], [0, 1, 0]),
    "standardise": (standardise, [1, 0, 0], [0, 1, 0]),
    "stretch the contrast": (stretch, [1, 0, 0], [0, 1, 0]),
    "to grey": (lambda batch: batch.mean(-1, keepdims=True), [1, 0, 0], [0, 1, 0]),
    "to grey, no channels": (lambda batch: batch.mean(-1), [1, 0, 0], [0, 1, 0]),
    "channels first": (lambda batch: np.moveaxis(batch, -1, 1), [1, 0, 0], [0, 1, 0]),
    "flip": (mirror, [-1, 0, 48], [0, 1, 0]),
    "upside down": (lambda batch: batch[:, ::-1], [1, 0, 0], [0, -1, 64]),
    "crop": (crop(10, 5, 40, 30), [1, 0, -5], [0, 1, -10]),
    "small crop": (crop(24, 20, 14, 16), [1, 0, -20], [0, 1, -24]),
    "pad": (pad(3, 8, 1, 20), [1, 0, 1], [0, 1, 3]),
    "halve": (resize(32, 24), [0.5, 0, 0], [0, 0.5, 0]),
    "enlarge": (resize(224, 224), [224 / 48, 0, 0], [0, 224 / 64, 0]),
    "shrink": (resize(28, 28, Image.Resampling.BICUBIC), [28 / 48, 0, 0], [0, 28 / 64, 0]),
    "crop, resize, flip, pad": (
        chain(crop(8, 4, 48, 40), resize(96, 60), mirror, pad(2, 0, 0, 4)),
        [-1.5, 0, 66],
        [0, 2, -14],
    ),
    "quarter turn": (lambda batch: np.rot90(batch, axes=(1, 2)), [0, 1, 0], [-1, 0, 48]),
    "transpose": (lambda batch: np.transpose(batch, (0, 2, 1, 3)), [0, 1, 0], [1, 0, 0]),
}


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
def test_the_alignment_is_found(name, dtype):
    preprocess, along, down = KNOWN[name]
    image = rng.random((1, 64, 48, 3)).astype(np.float32)
    if dtype is np.uint8:
        image = (image * 255).astype(np.uint8)
    found = Probe("p", image, preprocess=lambda batch: preprocess(batch.astype(np.float32))).align(
        0
    )
    corners = np.array([[0, 48, 0, 48], [0, 0, 64, 64], [1, 1, 1, 1]])
    np.testing.assert_allclose(found.matrix @ corners, np.array([along, down]) @ corners, atol=0.2)
    assert found.identity == (along == [1, 0, 0] and down == [0, 1, 0] and "pad" not in name)


@pytest.mark.parametrize("method", [Image.Resampling.NEAREST, Image.Resampling.LANCZOS])
@pytest.mark.parametrize("size", [(20, 20), (150, 100)])
def test_every_resampling_is_found_to_half_a_pixel(method, size):
    found = probe(resize(*size, method)).align(0)
    corners = np.array([[0, 48], [0, 64], [1, 1]])
    expected = np.array([[0, size[1]], [0, size[0]]])
    largest = max(1, size[0] / 64, size[1] / 48)
    np.testing.assert_allclose(found.matrix @ corners, expected, atol=0.6 * largest)


@pytest.mark.parametrize("name", sorted(KNOWN.keys() - {"standardise", "stretch the contrast"}))
def test_a_marked_objects_map_comes_back_onto_the_object(name):
    preprocess = KNOWN[name][0]
    watched = probe(preprocess)
    plain = np.full((1, 64, 48, 3), 0.5, np.float32)
    marked = plain.copy()
    marked[:, 26:34, 24:32] = 1
    # A map over the model's input that is strong where the object is in it.
    change = watched.channels_last(preprocess(marked) - preprocess(plain))
    back, _ = watched.align(0).bring_back(np.abs(change[0]).max(-1))
    y, x = np.mgrid[:64, :48] + 0.5
    assert back.shape == (64, 48)
    assert (back * x).sum() / back.sum() == pytest.approx(28, abs=0.3)
    assert (back * y).sum() / back.sum() == pytest.approx(30, abs=0.3)
    assert back[26:34, 24:32].sum() / back.sum() > 0.75


def test_pixels_that_the_model_never_sees_are_marked():
    watched = probe(chain(crop(10, 5, 40, 30), mirror, pad(1, 2, 3, 4)))
    found = watched.align(0)
    back, unseen = found.bring_back(np.ones(found.model))
    expected = np.ones((64, 48), bool)
    expected[10:50, 5:35] = False  # what lies beside the crop falls on the padding
    np.testing.assert_array_equal(unseen, expected)
    np.testing.assert_array_equal(back, ~expected)
    np.testing.assert_array_equal(watched.shown(0).unseen, expected)


def test_a_crops_unseen_pixels_are_exact():
    found = probe(chain(crop(10, 5, 40, 30), resize(80, 60))).align(0)
    expected = np.ones((64, 48), bool)
    expected[10:50, 5:35] = False
    np.testing.assert_array_equal(found.bring_back(np.ones(found.model))[1], expected)


def test_where_all_is_seen_there_is_no_mask():
    watched = probe(resize(100, 100))
    assert watched.align(0).bring_back(np.ones((100, 100)))[1] is None
    assert watched.shown(0).unseen is None
    plain = probe(None)
    values = rng.random((64, 48))
    back, unseen = plain.align(0).bring_back(values)
    np.testing.assert_array_equal(back, values)
    assert unseen is None
    assert plain.align(0).identity


def test_bringing_back_averages_blocks_and_interpolates():
    values = rng.random((16, 24))
    blocks = given(np.diag([4.0, 4.0, 1])[:2], (4, 6), (16, 24))
    expected = values.reshape(4, 4, 6, 4).mean((1, 3))
    np.testing.assert_allclose(blocks.bring_back(values)[0], expected)
    ramp = np.broadcast_to(np.arange(8) + 0.5, (8, 8))
    double = given(np.diag([0.5, 0.5, 1])[:2], (16, 16), (8, 8))
    back = double.bring_back(ramp)[0]
    np.testing.assert_allclose(
        back[:, 1:-1], np.broadcast_to(np.arange(1, 15) / 2 + 0.25, (16, 14))
    )
    with pytest.raises(ValueError, match=r"map of shape \(4, 4\) over inputs of shape \(8, 8\)"):
        double.bring_back(np.ones((4, 4)))


def test_images_of_one_size_share_what_was_found_where_it_holds():
    calls = []

    def counted(batch):
        calls.append(len(batch))
        return crop(8, 4, 48, 40)(batch)

    watched = probe(counted, count=3)
    first = watched.align(0)
    before = sum(calls)
    assert watched.align(1) is first
    assert sum(calls) - before < before / 5
    before = len(calls)
    assert watched.align(1) is first
    assert len(calls) == before


def test_an_image_that_is_moved_otherwise_is_measured_itself():
    def bright_is_flipped(batch):
        return np.stack([image[:, ::-1] if image.mean() > 0.6 else image for image in batch])

    images = rng.random((2, 32, 32, 1)).astype(np.float32) * 0.5
    images[1] += 0.5
    watched = Probe("p", images, preprocess=bright_is_flipped)
    assert watched.align(0).identity
    assert watched.align(1).matrix[0, 0] == pytest.approx(-1)


def test_images_of_different_sizes_are_aligned_each():
    images = [rng.random((h, w, 3)).astype(np.float32) for h, w in ((40, 60), (60, 40))]

    def fit(batch):
        return resize(32, 32)(batch)

    watched = Probe("p", images, preprocess=fit)
    np.testing.assert_allclose(watched.align(0).matrix, [[32 / 60, 0, 0], [0, 0.8, 0]], atol=0.02)
    np.testing.assert_allclose(watched.align(1).matrix, [[0.8, 0, 0], [0, 32 / 60, 0]], atol=0.02)


def test_a_constant_image_is_aligned_too():
    image = np.zeros((1, 32, 32, 1), np.uint8)
    found = Probe("p", image, preprocess=mirror).align(0)
    np.testing.assert_allclose(found.matrix, [[-1, 0, 32], [0, 1, 0]], atol=1e-6)


def test_tiny_images_are_aligned():
    assert probe(lambda batch: batch * 2, shape=(3, 2, 1)).align(0).identity
    np.testing.assert_allclose(
        probe(mirror, shape=(6, 6, 1)).align(0).matrix, [[-1, 0, 6], [0, 1, 0]], atol=1e-6
    )


def shuffled(batch):
    order = np.random.default_rng(1).permutation(64 * 48)
    flat = batch.reshape(len(batch), -1, batch.shape[-1])[:, order]
    return flat.reshape(batch.shape)


def swirl(batch):
    y, x = np.mgrid[:64, :48]
    shift = (10 * np.sin(y / 8)).astype(int)
    return batch[:, y, (x + shift) % 48]


@pytest.mark.parametrize(
    ("preprocess", "reason"),
    [
        (lambda batch: batch + rng.random(batch.shape), "another input each time"),
        (lambda batch: np.zeros_like(batch), "same input whatever the image is"),
        (shuffled, "no affine way"),
        (swirl, "no affine way"),
        (lambda batch: batch * 0 + batch.mean((1, 2, 3), keepdims=True), "no affine way|too small"),
        (lambda batch: batch[:, :2, :2], "too small a part"),
        (
            lambda batch: batch.reshape(len(batch), -1)[:, :99],
            r"returns shape \(99,\) for an image",
        ),
    ],
)
def test_what_cannot_be_brought_back_raises_with_what_to_give(preprocess, reason):
    watched = probe(preprocess)
    for _ in range(2):
        with pytest.raises(AlignmentError, match=reason) as raised:
            watched.align(0)
        assert "pass alignment=, the 2x3 matrix" in str(raised.value)
    assert watched.shown(0).unseen is None


def test_the_callers_alignment_wins():
    matrix = [[2, 0, 1], [0, 0.5, -3]]
    watched = probe(swirl, alignment=matrix)
    assert watched.has_alignment
    np.testing.assert_array_equal(watched.align(0).matrix, matrix)
    assert (watched.align(0).viewed, watched.align(0).model) == ((64, 48), (64, 48))
    each = probe(swirl, count=2, alignment=[matrix, np.eye(2, 3)])
    assert (each.align(0).identity, each.align(1).identity) == (False, True)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.eye(3), r"alignment has shape \(3, 3\): pass 2x3, or 1x2x3"),
        ([[1, 0, 0], [1, 0, 0]], "squashes the image flat"),
        ([[1, 0, np.inf], [0, 1, 0]], "not finite"),
        ("flip", "alignment='flip': pass a 2x3 matrix of numbers"),
    ],
)
def test_a_wrong_alignment_raises(matrix, message):
    with pytest.raises(ValueError, match=message):
        probe(mirror, alignment=matrix)


def test_an_alignment_without_preprocess_raises():
    with pytest.raises(ValueError, match="without preprocess="):
        probe(None, alignment=np.eye(2, 3))


def test_a_flattened_input_keeps_its_pixels():
    for data_format, shape in (("channels_last", (6, 8, 3)), ("channels_first", (3, 6, 8))):
        images = rng.random((2, *shape)).astype(np.float32)
        watched = Probe(
            "p",
            images,
            data_format=data_format,
            preprocess=lambda batch: batch.reshape(len(batch), -1),
        )
        assert watched.align(0).identity
        flat = watched.model_input(watched.images[1][None])
        np.testing.assert_array_equal(watched.channels_last(flat)[0], watched.images[1])
