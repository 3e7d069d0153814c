"""Whole passes of occluded images: sheets they are made of, sizes of batches, both frameworks."""

import collections

import keras
import numpy as np
import pytest
import tensorflow as tf
import torch

from tensorboard_picasso.summary import Occlusion, Probe, backends
from tensorboard_picasso.summary.backends._common.batch_size import BatchSizes, UnfitError
from tensorboard_picasso.summary.backends._common.sheets import Sheets
from tensorboard_picasso.summary.backends.base import PROCESSOR, Call, Hiding, hidden
from tensorboard_picasso.summary.explain import models
from tests.kit.explained import noise


def hiding(seed=0, shape=(7, 5, 3), boxes=None):
    """An image with boxes of many kinds: empty ones, at borders, whole rows and columns."""
    image, filled = np.random.default_rng(seed).normal(size=(2, *shape)).astype(np.float32)
    if boxes is None:
        sides = [(2, 3), (1, 1), (shape[0], 2), (3, shape[1])]
        boxes = [(0, 0, 0, 0), (1, 1, 0, 3), (3, 2, 2, 0)]
        boxes += [
            (top, left, *side)
            for side in sides
            for top in range(shape[0] - side[0] + 1)
            for left in range(shape[1] - side[1] + 1)
        ]
    return Hiding(image, filled, np.array(boxes, np.int64))


def rebuilt(group, size, numbers, first):
    """Occluded images of several, made of rows of sheets in batches; the most sheets held."""
    sheets, made, most = Sheets(group, numbers), [], 0
    for start in range(0, sheets.count, size):
        part = slice(start, min(start + size, sheets.count))
        held = sheets.images(sheets.span(part))
        most = max(most, len(held))
        held = np.moveaxis(held, -1, 1) if first else held
        rows = sheets.rows(part, 3 if first else 1)
        every = held.reshape(-1, held[0].size // rows.shape[1])
        images = every[rows].reshape(-1, *held.shape[1:])
        made.append(np.moveaxis(images, 1, -1) if first else images)
    return sheets.split(np.concatenate(made)), most


@pytest.mark.parametrize("first", [False, True], ids=["channels last", "channels first"])
@pytest.mark.parametrize("numbers", [0, 4 * 105, 1 << 22], ids=["one", "four", "all"])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_rows_of_sheets_make_each_window_in_its_place(first, numbers, size):
    group = [hiding(0), hiding(1, boxes=[(2, 1, 3, 3)]), hiding(2)]
    found, most = rebuilt(group, size, numbers, first)
    for each, made in zip(group, found, strict=True):
        np.testing.assert_array_equal(made, hidden(each.image, each.filled, each.boxes))
    if size == 1:
        assert most <= max(2, numbers // 105)


class Machine:
    """A device on which a batch takes what it is told to; its clock is its own."""

    def __init__(self, seconds, holds=10**9, fit=(0, 1, 2)):
        self._seconds, self.holds, self._fit = seconds, holds, fit
        self.tried = []  # of ways that are unfit
        self._now = 0.0
        self.deterministic = False
        self.batches = []
        self.sizes = BatchSizes(lambda: self.deterministic, lambda: self._now)

    def run(self, part, way):
        if way not in self._fit:
            self.tried.append(way)
            raise UnfitError
        if part.stop - part.start > self.holds:
            self._now += 100
            raise MemoryError
        self.batches.append((part.stop - part.start, way))
        self._now += self._seconds(part.stop - part.start, way)
        return np.arange(part.start, part.stop)

    def sweep(self, count, numbers=1, kind="a", ways=1):
        """The batches of a sweep, all of whose windows were run once and in order."""
        del self.batches[:]
        found = self.sizes.sweep(kind, count, numbers, self.run, ways)
        assert found.tolist() == list(range(count))
        assert sum(size for size, _ in self.batches) == count
        return list(self.batches)


def fixed(best):
    """Seconds of batches of which those of so many windows are the fastest a window."""
    return lambda size, way: size * (1 + 0.1 * abs(np.log2(size / best)))


@pytest.mark.parametrize("best", [1, 2, 8, 32, 128])
def test_the_fastest_size_is_found_on_windows_that_are_run_anyway_and_kept(best):
    machine = Machine(fixed(best))
    machine.sweep(10_000)
    assert machine.sweep(2 * best) == [(best, 0)] * 2


def test_a_search_goes_on_over_sweeps_and_is_of_one_kind():
    machine = Machine(fixed(64))
    for _ in range(100):
        machine.sweep(150)
    assert machine.sweep(150) == [(64, 0), (64, 0), (22, 0)]
    assert machine.sweep(150, kind="b")[0] == (PROCESSOR.first_inputs, 0)


def test_deterministic_batches_heed_no_clock_also_after_others_were_timed():
    one, other = (Machine(fixed(best)) for best in (8, 256))
    one.sweep(10_000, numbers=784, ways=2)
    one.deterministic = other.deterministic = True
    assert one.sweep(1000, numbers=784, ways=2) == other.sweep(1000, numbers=784, ways=2)
    assert len(set(one.batches[:-1])) == 1
    one.deterministic = False
    assert one.sweep(16, numbers=784, ways=2) == [(8, 0)] * 2  # as it was found
    one.deterministic, one.holds = True, 40
    assert set(one.sweep(105, numbers=784)) == {(41 // 2, 0), (5, 0)}


def test_larger_batches_that_are_no_faster_are_not_taken():
    machine = Machine(lambda size, way: size * (1 - 1e-4 * size))
    sizes = {size for size, _ in machine.sweep(20_000, numbers=1 << 16)}
    assert max(sizes) == 16
    assert machine.sweep(16) == [(8, 0)] * 2


def test_a_size_that_was_taken_by_chance_is_left_again():
    counts = collections.Counter()

    def seconds(size, way):
        counts[size] += 1
        # Something else is in the way while 32 is compared with 64.
        return fixed(32)(size, way) * (2 if size == 32 and 5 < counts[size] < 10 else 1)

    machine = Machine(seconds)
    machine.sweep(10_000)
    assert counts[128] > 0  # so that it was taken
    assert machine.sweep(64) == [(32, 0)] * 2


def test_of_small_images_a_size_that_is_no_faster_than_half_of_it_does_not_end_the_search():
    seconds = {4: 1.1, 8: 1.0, 16: 1.0, 32: 0.8}
    machine = Machine(lambda size, way: size * seconds.get(size, 0.9))
    machine.sweep(10_000)
    assert machine.sweep(64) == [(32, 0)] * 2
    machine.sweep(10_000, numbers=1 << 17, kind="large")
    assert machine.sweep(64, kind="large") == [(8, 0)] * 8


def test_sweeps_of_too_few_windows_to_try_a_size_have_the_fastest_so_far():
    machine = Machine(fixed(32))
    for _ in range(200):
        machine.sweep(50)
    assert machine.sweep(50) == [(32, 0), (18, 0)]


def test_what_a_first_batch_pays_once_does_not_count():
    made = set()

    def seconds(size, way):
        once = 0 if size in made else 1000
        made.add(size)
        return once + fixed(32)(size, way)

    machine = Machine(seconds)
    machine.sweep(10_000)
    assert machine.sweep(64) == [(32, 0)] * 2


def test_a_batch_holds_no_more_numbers_than_it_may():
    machine = Machine(lambda size, way: 1.0)
    assert max(size for size, _ in machine.sweep(20_000)) == 512
    some = machine.sweep(20_000, numbers=1 << 20, kind="large")
    assert max(size for size, _ in some) == 16
    assert machine.sweep(3, numbers=1 << 30, kind="huge") == [(1, 0)] * 3
    assert machine.sweep(3, numbers=224 * 224 * 3, kind="photographs")[0] == (3, 0)
    assert machine.sweep(9, numbers=224 * 224 * 3, kind="other photographs")[0] == (4, 0)


def test_memory_that_does_not_suffice_halves_batches_for_good():
    machine = Machine(fixed(128), holds=3)
    assert set(machine.sweep(50)) == {(2, 0)}
    assert machine.sweep(5) == [(2, 0), (2, 0), (1, 0)]
    later = Machine(fixed(128))
    later.sweep(10_000)
    later.holds = 40
    assert later.sweep(96) == [(24, 0)] * 4  # 96 at once failed, and 48
    later.holds = 10**9
    assert later.sweep(96) == [(24, 0)] * 4


def test_one_window_that_does_not_fit_and_any_other_error_are_raised():
    with pytest.raises(MemoryError):
        Machine(lambda size, way: 1.0, holds=0).sweep(5)

    def broken(size, way):
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        Machine(broken).sweep(5)


def test_the_faster_way_is_gone_and_one_that_is_unfit_never_again():
    machine = Machine(lambda size, way: fixed(32)(size, way) * (1, 0.5, 0.9)[way])
    machine.sweep(10_000, ways=3)
    assert machine.sweep(32, ways=3) == [(32, 1)]

    other = Machine(fixed(32), fit=(0,))
    assert {way for _, way in other.sweep(10_000, ways=2)} == {0}
    assert other.sweep(32, ways=2) == [(32, 0)]
    assert other.tried == [1]


SHAPE = (9, 7, 3)


def torch_model(channels=3):
    torch.manual_seed(0)
    layers = torch.nn.Conv2d(channels, 4, 3), torch.nn.ReLU(), torch.nn.Flatten()
    return torch.nn.Sequential(*layers, torch.nn.Linear(4 * 7 * 5, 3))


def keras_model(shape=SHAPE):
    keras.utils.set_random_seed(0)
    layers = keras.layers
    body = [layers.Reshape(SHAPE), layers.Conv2D(4, 3, activation="relu"), layers.Flatten()]
    return keras.Sequential([keras.Input(shape), *body, layers.Dense(3)])


MODELS = {"tensorflow": keras_model, "torch": torch_model}
FRAMEWORKS = pytest.mark.parametrize("framework", MODELS)
METHOD = Occlusion((3, 2), 1, reuse=False)


def made(images=None, **options):
    images = noise(3, *SHAPE) if images is None else images
    return Probe("x", images, value_range=(0, 1), output="logits", **options)


def swept(model, probe, method=METHOD):
    """Scores of whole passes by our sweep."""
    return method.swept(models.backend(probe, model), probe, range(len(probe)))


def one_by_one(model, probe, method=METHOD):
    """Scores of occluded images that are made by hand, one in each batch."""
    backend = models.backend(probe, model)
    result = []
    for index, image in enumerate(probe.images):
        window, tops, lefts = method.geometry(image.shape[:2])
        filled = probe.filled(index, method.fill)
        rows = [backend.scores(probe.model_input(image[None]))]
        for top in tops:
            for left in lefts:
                one = image.copy()
                part = np.s_[top : top + window[0], left : left + window[1]]
                one[part] = filled[part]
                rows.append(backend.scores(probe.model_input(one[None])))
        result.append(np.concatenate(rows))
    return result


def assert_same(found, expected, **slack):
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape
        assert np.ptp(other, axis=0).min() > 1e-3
        np.testing.assert_allclose(one, other, **{"rtol": 1e-4, "atol": 1e-5, **slack})


@FRAMEWORKS
def test_windows_of_all_images_of_a_probe_have_the_scores_of_single_passes(framework):
    model, probe = MODELS[framework](), made(noise(7, *SHAPE))
    expected = one_by_one(model, probe)
    for _ in range(4):  # batches of other sizes each time
        assert_same(swept(model, probe), expected)


@FRAMEWORKS
@pytest.mark.parametrize("fill", ["noise", "blur", 0.25])
def test_windows_are_filled_with_what_was_asked_for(framework, fill):
    model, probe = MODELS[framework](), made()
    method = Occlusion(4, 3, fill=fill, reuse=False)
    assert_same(swept(model, probe, method), one_by_one(model, probe, method))


@FRAMEWORKS
def test_images_of_several_sizes_and_windows_in_one_sweep(framework):
    model = {"tensorflow": pooled_keras, "torch": pooled_torch}[framework]()
    backend = models.backend(made(), model)
    few = [(1, 1, 3, 3), (0, 0, 0, 0), (5, 0, 2, 6)]
    group = [hiding(0, SHAPE), hiding(1, (8, 8, 3)), hiding(2, SHAPE, few), hiding(3, SHAPE)]
    found = backend.swept_scores(group, lambda x: x, in_place=True, reuse=False)
    expected = [backend.scores(hidden(each.image, each.filled, each.boxes)) for each in group]
    assert_same(found, expected)


def pooled_torch():
    torch.manual_seed(0)
    layers = torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1)
    return torch.nn.Sequential(*layers, torch.nn.Flatten(), torch.nn.Linear(8, 3))


def pooled_keras():
    keras.utils.set_random_seed(0)
    layers = keras.layers
    body = [layers.Conv2D(8, 3, activation="relu"), layers.GlobalAveragePooling2D()]
    return keras.Sequential([keras.Input((None, None, 3)), *body, layers.Dense(3)])


def test_inputs_in_another_order_of_axes():
    first = np.moveaxis(noise(2, *SHAPE), -1, 1)

    def moved():
        inner = keras_model()
        inputs = keras.Input((3, 9, 7))
        return keras.Model(inputs, inner(keras.ops.transpose(inputs, (0, 2, 3, 1))))

    def flat():
        keras.utils.set_random_seed(0)
        layers = [keras.Input((9, 7)), keras.layers.Flatten(), keras.layers.Dense(3)]
        return keras.Sequential(layers)

    for model, images, options in (
        (moved(), first, {"data_format": "channels_first"}),
        (flat(), noise(2, 9, 7), {}),
        (torch_model(), first, {"data_format": "channels_first"}),
    ):
        probe = made(images, **options)
        assert_same(swept(model, probe), one_by_one(model, probe))


@FRAMEWORKS
def test_an_image_as_high_as_it_has_channels(framework):
    keras.utils.set_random_seed(0)
    torch.manual_seed(0)
    layers = keras.Input((3, 3, 3)), keras.layers.Flatten(), keras.layers.Dense(3)
    model = {
        "tensorflow": keras.Sequential(layers),
        "torch": torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(27, 3)),
    }[framework]
    probe, method = made(noise(2, 3, 3, 3)), Occlusion((1, 2), 1, reuse=False)
    assert_same(swept(model, probe, method), one_by_one(model, probe, method))


@FRAMEWORKS
def test_with_preprocess_windows_are_hidden_before_it(framework):
    def preprocess(x):
        x = (x - x.mean((1, 2, 3), keepdims=True)) * 2
        return np.moveaxis(x, -1, 1) if framework == "torch" else x

    model, probe = MODELS[framework](), made(preprocess=preprocess)
    assert_same(swept(model, probe), one_by_one(model, probe))


def test_integers_reach_a_model_as_it_takes_them():
    images = (255 * noise(2, *SHAPE)).astype(np.uint8)
    model = keras.Sequential([keras.Input(SHAPE), keras.layers.Rescaling(1 / 255), keras_model()])
    probe = Probe("x", images, output="logits")
    assert_same(swept(model, probe), one_by_one(model, probe))


def test_a_second_input_is_given_to_every_window():
    image, scale = keras.Input(SHAPE, name="image"), keras.Input((1,), name="scale")
    model = keras.Model([image, scale], keras_model()(image) * scale)
    row = np.array([3.0], np.float32)
    probe, call = made(), Call(names=("scale",), count=1, image="image")
    backend = backends.find(model, call=call).beside((row,))
    boxes = np.array([(0, 0, 0, 0), (1, 1, 3, 3), (4, 2, 3, 3)], np.int64)
    shown = hiding(boxes=boxes, shape=SHAPE)
    (found,) = backend.swept_scores([shown], probe.model_input, True, reuse=False)
    plain = keras_model()(hidden(shown.image, shown.filled, boxes))
    np.testing.assert_allclose(found, 3 * np.asarray(plain), rtol=1e-4, atol=1e-5)


class Watched(tf.Module):
    """Counts how often Python runs it, and what it is given."""

    def __init__(self, kernel):
        super().__init__()
        self.kernel = tf.Variable(kernel)
        self.shapes = []

    def __call__(self, x):
        self.shapes.append(tuple(x.shape))
        return tf.reshape(x, (-1, 9 * 7 * 3)) @ self.kernel


def test_a_shape_is_traced_once_whatever_the_windows_and_their_number():
    model = Watched(noise(189, 3))
    for probe in (made(noise(2, *SHAPE)), made(noise(5, *SHAPE, seed=1))):
        for method in (METHOD, Occlusion(5, 2, reuse=False), Occlusion((9, 1), 1, reuse=False)):
            for _ in range(3):
                swept(model, probe, method)
        # Once for each probe, which has a backend of its own.
        assert set(model.shapes) == {(None, *SHAPE)}
        assert len(model.shapes) == (1 if len(probe) == 2 else 2)


def test_weights_that_were_trained_since_are_those_that_score():
    for framework, make in MODELS.items():
        model, probe = make(), made()
        before = swept(model, probe)
        if framework == "torch":
            with torch.no_grad():
                model[0].weight.mul_(2)
        else:
            model.layers[1].kernel.assign(2 * model.layers[1].kernel)
        after = swept(model, probe)
        assert not np.allclose(before[0], after[0], rtol=1e-3)
        assert_same(after, one_by_one(model, probe))


class Laid(torch.nn.Module):
    """Notes how the batches that it is given lie in memory, windows and all."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner
        self.last = []

    def forward(self, x):
        self.last.append(x.is_contiguous(memory_format=torch.channels_last))
        return self.inner(x)


def test_batches_lie_in_memory_as_weights_do():
    model = Laid(torch_model()).to(memory_format=torch.channels_last)
    probe = made()
    expected = one_by_one(model, probe)
    del model.last[:]
    assert_same(swept(model, probe), expected)
    assert all(model.last)


class Viewed(torch.nn.Module):
    """Cannot be given channels that lie last."""

    def forward(self, x):
        return x.view(len(x), -1)[:, :5]


class Careless(torch.nn.Module):
    """Reads memory as if channels lay first."""

    def forward(self, x):
        return x.as_strided((len(x), 5), (x[0].numel(), 7))


@pytest.mark.parametrize("module", [Viewed, Careless])
def test_a_module_that_heeds_how_images_lie_in_memory_is_given_them_as_ever(module):
    model, probe = module(), made(noise(4, *SHAPE))
    expected = one_by_one(model, probe)
    for _ in range(4):
        assert_same(swept(model, probe), expected)


def test_autocast_and_half_precision_are_respected():
    model, probe = torch_model(), made()
    wide = one_by_one(model, probe)
    with torch.autocast("cpu", torch.bfloat16):
        found = swept(model, probe)
    spread = np.ptp(wide[0])
    assert_same(found, wide, atol=0.1 * spread, rtol=0.05)
    assert any((one != other).any() for one, other in zip(found, wide, strict=True))
    assert_same(swept(model, probe), wide)
    half = torch_model().bfloat16()
    assert_same(swept(half, probe), one_by_one(half, probe), atol=0.1 * spread, rtol=0.05)
    mixed = keras.Sequential(
        [keras.Input(SHAPE), keras.layers.Flatten(), keras.layers.Dense(3, dtype="mixed_bfloat16")]
    )
    assert_same(swept(mixed, probe), one_by_one(mixed, probe), atol=0.1, rtol=0.05)


@FRAMEWORKS
def test_memory_that_does_not_suffice_makes_batches_smaller(framework):
    sizes = []

    class Full(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = torch_model()

        def forward(self, x):
            sizes.append(len(x))
            if len(x) > 5:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return self.inner(x)

    class Exhausted(tf.Module):
        def __init__(self):
            super().__init__()
            self.inner = keras_model()

        def __call__(self, x):
            def note(count):
                sizes.append(int(count))
                return count

            count = tf.py_function(note, [tf.shape(x)[0]], tf.int32)
            # More memory than there is.
            taken = tf.where(count > 5, tf.constant(1 << 45, tf.int64), 1)
            return self.inner(x + 0 * tf.reduce_max(tf.random.normal([taken])))

    model, probe = {"torch": Full, "tensorflow": Exhausted}[framework](), made()
    expected = one_by_one(MODELS[framework](), probe)
    assert_same(swept(model, probe), expected)
    del sizes[:]
    assert_same(swept(model, probe), expected)
    assert max(sizes) == 4
