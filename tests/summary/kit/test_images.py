import numpy as np
import pytest
from PIL import Image

from tensorboard_picasso.summary.kit.images import png, to_numpy, to_viewed
from tensorboard_picasso.summary.probe import fills
from tensorboard_picasso.summary.probe.brightness import Brightness

rng = np.random.default_rng(0)


class Torch:
    """As a PyTorch tensor: NumPy reads it only once detached and on the CPU."""

    def __init__(self, array, ready=()):
        self.array, self.ready = array, ready

    def detach(self):
        return Torch(self.array, (*self.ready, "detached"))

    def cpu(self):
        return Torch(self.array, (*self.ready, "cpu"))

    def __array__(self, dtype=None, copy=None):
        if self.ready != ("detached", "cpu"):
            raise TypeError("can't convert cuda:0 device type tensor to numpy")
        return self.array


class Jax:
    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array


class OnlyNumpy:
    def __init__(self, array):
        self.array = array

    def numpy(self):
        return self.array


class Symbolic:
    def __array__(self, dtype=None, copy=None):
        raise NotImplementedError("Cannot convert a symbolic tf.Tensor to a numpy array.")


def opened(data):
    import io

    return np.asarray(Image.open(io.BytesIO(data)))


@pytest.mark.parametrize("wrap", [np.asarray, Torch, Jax, OnlyNumpy, list, tuple])
def test_arrays_and_tensors_are_read_alike(wrap):
    given = rng.random((3, 5, 4, 3)).astype(np.float32)
    for image, expected in zip(to_viewed(wrap(given), "channels_last"), given, strict=True):
        np.testing.assert_array_equal(image, expected)


def test_tensorflow_tensors():
    import tensorflow as tf

    given = rng.random((3, 5, 4, 3)).astype(np.float32)
    np.testing.assert_array_equal(to_viewed(tf.constant(given), "channels_last"), given)
    half = to_viewed(tf.cast(given, tf.bfloat16), "channels_last")[0]
    assert half.dtype == np.float32
    np.testing.assert_allclose(half, given[0], rtol=1e-2)


def test_channels_first_and_missing_channels_become_channels_last():
    first = rng.random((2, 3, 5, 4)).astype(np.float32)
    np.testing.assert_array_equal(
        to_viewed(first, "channels_first"), np.transpose(first, (0, 2, 3, 1))
    )
    grey = rng.random((2, 5, 4)).astype(np.float32)
    np.testing.assert_array_equal(to_viewed(grey, "channels_last"), grey[..., None])
    np.testing.assert_array_equal(to_viewed(list(grey), "channels_first"), grey[..., None])


@pytest.mark.parametrize(
    ("given", "viewed"),
    [
        (np.uint8, np.uint8),
        (np.uint16, np.uint16),
        (np.int64, np.int64),
        (np.float16, np.float32),
        (np.float64, np.float32),
    ],
)
def test_integers_stay_and_floats_become_float32(given, viewed):
    assert to_viewed(np.ones((1, 4, 4), given), "channels_last")[0].dtype == viewed


def test_a_viewed_image_is_a_copy_that_cannot_be_changed():
    given = np.zeros((1, 4, 4, 1), np.uint8)
    image = to_viewed(given, "channels_last")[0]
    given[:] = 9
    assert image.max() == 0
    with pytest.raises(ValueError, match="read-only"):
        image[0, 0] = 1


@pytest.mark.parametrize(
    ("mode", "channels", "dtype"),
    [
        ("L", 1, np.uint8),
        ("1", 1, np.uint8),
        ("P", 3, np.uint8),
        ("LA", 4, np.uint8),
        ("RGB", 3, np.uint8),
        ("RGBA", 4, np.uint8),
        ("CMYK", 3, np.uint8),
        ("I;16", 1, np.uint16),
        ("F", 1, np.float32),
    ],
)
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_pictures_of_every_mode(mode, channels, dtype, data_format):
    image = to_viewed([Image.new(mode, (7, 5))], data_format)[0]
    assert (image.shape, image.dtype) == ((5, 7, channels), dtype)


def test_black_and_white_pictures_span_the_range():
    picture = Image.new("1", (2, 1))
    picture.putpixel((1, 0), 1)
    assert to_viewed([picture], "channels_last")[0].ravel().tolist() == [0, 255]


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_files(tmp_path, kind):
    pixels = rng.integers(0, 256, (5, 7, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a cat.png")
    np.testing.assert_array_equal(
        to_viewed([kind(tmp_path / "a cat.png")], "channels_last")[0], pixels
    )


@pytest.mark.parametrize(
    ("images", "data_format", "message"),
    [
        ("cat.png", "channels_last", r"images is one image: pass a list, \[images\]"),
        (Image.new("L", (4, 4)), "channels_last", "images is one image: pass a list"),
        (np.zeros((28, 28)), "channels_last", r"\(28, 28\), one image: pass images\[None\]"),
        (np.zeros((28, 28, 3)), "channels_last", r"\(28, 28, 3\), one image: pass images\[None\]"),
        (np.zeros((3, 28, 28)), "channels_first", r"one image: pass images\[None\]"),
        (np.zeros(5), "channels_last", r"shape \(5,\): pass \(n, height, width, channels\)"),
        (np.zeros((1, 1, 1, 2, 3, 4)), "channels_first", r"pass \(n, channels, height, width\)"),
        (np.zeros((0, 4, 4, 1)), "channels_last", "images is empty: pass at least one"),
        ([], "channels_last", "images is empty"),
        (7, "channels_last", r"images has shape \(\)"),
        (None, "channels_last", "images of type NoneType and dtype object hold no numbers"),
        ((each for each in [1]), "channels_last", r"generator is no array or list: pass list"),
        ({"a": 1}, "channels_last", "dict is no array or list: Probe.from_dataset reads"),
        (Symbolic(), "channels_last", "images of type Symbolic cannot be read: Cannot convert"),
        ([np.zeros((4, 4)), np.zeros(3)], "channels_last", r"image 1 has shape \(3,\): pass \(hei"),
        ([np.zeros((4, 0, 1))], "channels_last", r"image 0 has shape \(4, 0, 1\)"),
        ([np.zeros((4, 4), bool)], "channels_last", "image 0 has dtype bool: pass integers"),
        ([np.zeros((4, 4), complex)], "channels_last", "dtype complex128 hold no numbers"),
        ([np.full((4, 4), np.nan)], "channels_last", "image 0 holds NaN or infinity"),
        (["missing.png"], "channels_last", "image cannot be read: missing.png: No such file"),
    ],
)
def test_what_is_no_image_raises_with_what_it_is(images, data_format, message):
    with pytest.raises((TypeError, ValueError), match=message):
        to_viewed(images, data_format)


def test_a_tensorflow_dataset_is_pointed_to_from_dataset():
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices(np.zeros((2, 4, 4, 1)))
    with pytest.raises(TypeError, match=r"Probe\.from_dataset reads datasets"):
        to_viewed(dataset, "channels_last")


def test_a_file_that_is_no_image_is_named(tmp_path):
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(ValueError, match=r"cannot be read: .*notes\.txt: no picture"):
        to_numpy(tmp_path / "notes.txt")


def test_png_holds_the_rounded_fractions():
    assert opened(png(np.array([[[0.0], [0.5], [1.0]]]))).tolist() == [[0, 128, 255]]
    for channels in (3, 4):
        pixels = rng.integers(0, 256, (5, 7, channels))
        np.testing.assert_array_equal(opened(png(pixels / 255)), pixels)


# Brightness


def floats(*values):
    return [np.array(values, np.float32).reshape(1, -1, 1)]


def test_normalised_images_are_shown_as_before_normalising():
    before = rng.random((6, 5, 3))
    mean, std = (0.5, 0.4, 0.3), (0.2, 0.3, 0.1)
    image = ((before - mean) / std).astype(np.float32)
    brightness = Brightness([image], normalized=(mean, std))
    np.testing.assert_allclose(brightness.shown(image), before, atol=1e-6)
    np.testing.assert_allclose(brightness.value(0.5, 3), (0.5 - np.array(mean)) / std)


def test_value_range_says_what_is_black_and_white():
    brightness = Brightness(floats(-1, 0, 1), value_range=(-1, 1))
    assert brightness.shown(floats(-1, 0, 1)[0]).ravel().tolist() == [0, 0.5, 1]
    assert brightness.value(0.25, 1).tolist() == [-0.5]


def test_grey_leaves_an_image_opaque():
    image = np.zeros((2, 2, 4), np.uint8)
    image[..., 3] = 255
    assert Brightness([image]).value(0, 4).tolist() == [0, 0, 0, 255]


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        (floats(0, 255), {}, r"^pixels span 0\.\.255: pass value_range=\(0, 255\)$"),
        (floats(0, 247.3), {}, r"span 0\.\.247: pass value_range=\(0, 255\)$"),
        (floats(-1, 0.9), {}, r"0\.9: pass normalized=\(mean, std\), .*value_range=\(-1, 1\)$"),
        (floats(-2.1, 2.6), {}, r"pass normalized=\(mean, std\), .*value_range=\(-2\.1, 2\.6\)$"),
        (floats(0, 3), {"value_range": (0, 2)}, r"span 0\.\.3: pass value_range=\(0, 3\)"),
        (floats(0, 9), {"normalized": (0, 20)}, "once normalized= is undone: check mean and std"),
        (floats(0, 1), {"normalized": 0.5}, r"normalized=0\.5: pass \(mean, std\)"),
        (floats(0, 1), {"normalized": (0, 0)}, "std above 0"),
        (floats(0, 1), {"normalized": ((0, 0), 1)}, "one for each of 1 channels"),
        (floats(0, 1), {"value_range": 1}, r"value_range=1: pass \(low, high\)"),
        (floats(0, 1), {"value_range": (1, 0)}, "low must be below high"),
        (
            [np.full((2, 2, 1), 300, np.int32)],
            {},
            r"span 300\.\.300: pass value_range=\(0, 300\)",
        ),
        (
            [np.full((2, 2, 1), 4000, np.uint16)],
            {},
            r"uint16 and span .*pass display= .*range=\(0, 4095\)",
        ),
        ([np.eye(2, dtype=np.uint8)[..., None]], {}, r"0\.\.1 in uint8: pass value_range=\(0, 1\)"),
        ([np.eye(2, dtype=np.uint8)[..., None]], {"normalized": (0, 1)}, "leave it out"),
    ],
)
def test_values_that_are_no_colours_raise_with_the_line_to_paste(images, options, message):
    with pytest.raises(ValueError, match=message):
        Brightness(images, **options)


@pytest.mark.parametrize(
    ("images", "value_range"),
    [
        (floats(0, 247.3), (0, 255)),
        (floats(-1, 0.9), (-1, 1)),
        (floats(-2.1, 2.6), (-2.1, 2.6)),
        ([np.full((2, 2, 1), 4000, np.uint16)], (0, 4095)),
    ],
)
def test_the_line_to_paste_works(images, value_range):
    Brightness(images, value_range)


def test_an_unknown_range_is_no_error_until_black_is_asked_for():
    brightness = Brightness(floats(0, 5000), shown=False)
    with pytest.raises(ValueError, match="unknown where display= is shown: pass value_range="):
        brightness.value(0, 1)


# Fills


def filled(image, fill, **options):
    plain = fills.check(fill, image.shape[2])
    return fills.filled(image, plain, Brightness([image], **options), b"seed")


def test_named_fills_are_exact():
    image = rng.integers(0, 256, (6, 5, 3), np.uint8)
    mean = np.rint(image.reshape(-1, 3).mean(0)).astype(np.uint8)
    for fill, expected in {
        "mean": mean,
        "black": 0,
        "grey": 128,
        "white": 255,
        7: 7,
        (1, 2, 3): (1, 2, 3),
        300.0: 255,
    }.items():
        result = filled(image, fill)
        assert (result.shape, result.dtype) == (image.shape, np.uint8)
        np.testing.assert_array_equal(result, np.broadcast_to(expected, image.shape))


def test_fills_are_in_the_images_own_values():
    image = ((rng.random((6, 5, 1)) - 0.5) / 0.25).astype(np.float32)
    assert np.unique(filled(image, "black", normalized=(0.5, 0.25))).tolist() == [-2]
    assert np.unique(filled(image, "grey", normalized=(0.5, 0.25))).tolist() == [0]
    assert np.unique(filled(image, 0.5, normalized=(0.5, 0.25))).tolist() == [0.5]


def test_blur_keeps_a_constant_and_spreads_a_point_evenly():
    np.testing.assert_allclose(filled(np.full((9, 7, 2), 0.5, np.float32), "blur"), 0.5, atol=1e-6)
    point = np.zeros((225, 225, 1), np.float32)
    point[112, 112] = 1
    blurred = filled(point, "blur")[..., 0]
    np.testing.assert_allclose(blurred, blurred[::-1, ::-1], atol=1e-9)
    distance = (np.arange(225) - 112) ** 2
    variance = (blurred.sum(0) * distance).sum() / blurred.sum()
    assert variance == pytest.approx((10 * 225 / 224) ** 2, rel=0.01)


def test_noise_stays_within_the_image_and_returns():
    image = rng.random((40, 30, 3)).astype(np.float32) * (1.0, 0.5, 0.1)
    image = image.astype(np.float32)
    noise = filled(image, "noise")
    np.testing.assert_array_equal(noise, filled(image, "noise"))
    assert (noise >= image.min((0, 1))).all()
    assert (noise <= image.max((0, 1))).all()
    np.testing.assert_allclose(noise.mean((0, 1)), image.mean((0, 1)), rtol=0.1)
    other = fills.filled(image, "noise", Brightness([image]), b"another")
    assert not np.array_equal(noise, other)


@pytest.mark.parametrize(
    ("fill", "name"),
    [("mean", "image mean"), ("blur", "blurred image"), (0.5, "value 0.5"), ((1, 2), "value 1, 2")],
)
def test_fills_have_names(fill, name):
    assert fills.name(fills.check(fill, 2)) == name


@pytest.mark.parametrize(
    ("fill", "message"),
    [
        ("gray", "fill 'gray' is unknown: pass 'mean', 'grey', 'black'"),
        ((1, 2), "a finite number, or one for each of 3 channels"),
        (float("nan"), "finite number"),
        (object, "neither a name nor a number"),
        (None, "fill None"),
    ],
)
def test_unknown_fills_raise(fill, message):
    with pytest.raises(ValueError, match=message):
        fills.check(fill, 3)


def test_several_fills_are_kept_once_each():
    assert fills.check_all("mean", 3) == ("mean",)
    assert fills.check_all(["mean", 0.5, "mean", (1, 2, 3)], 3) == ("mean", 0.5, (1.0, 2.0, 3.0))
    with pytest.raises(ValueError, match="region_fill is empty"):
        fills.check_all([], 3)
