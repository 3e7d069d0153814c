import itertools
import tracemalloc
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from tensorboard_picasso.summary.kit.images import to_numpy
from tensorboard_picasso.summary.probe.labels import labels as labelled
from tensorboard_picasso.summary.probe.probe import Probe
from tensorboard_picasso.summary.probe.sampling import balanced


def examples(count=600, classes=5, seed=0):
    """Images whose every pixel is their number, with skewed classes."""
    labels = np.random.default_rng(seed).integers(0, classes, count) % classes
    labels[: count // 2] = 0
    images = np.arange(count, dtype=np.float32)[:, None, None, None] * np.ones((1, 4, 3, 1))
    return images.astype(np.float32) / count, labels


def batched(images, labels, size):
    return [(images[at : at + size], labels[at : at + size]) for at in range(0, len(images), size)]


def drawn(dataset, n=10, seed=0, batches=None):
    images, found, *_ = balanced(dataset, n, seed, batches)
    truths = labelled(found, (), len(images)).truths
    return [float(image[0, 0, 0]) for image in images], [each for (each,) in truths]


class Endless:
    """As tf.data: it says that it never ends, and reading it is a failure."""

    def cardinality(self):
        return np.int64(-1)

    def __iter__(self):
        raise AssertionError("was read")


def test_the_draw_is_balanced_and_belongs_to_its_labels():
    images, labels = examples()
    values, classes = drawn(batched(images, labels, 32))
    assert classes == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert len(set(values)) == 10
    assert [labels[round(value * 600)] for value in values] == classes


@pytest.mark.parametrize("size", [1, 7, 600])
def test_the_draw_does_not_depend_on_the_batch_size(size):
    images, labels = examples()
    assert drawn(batched(images, labels, size)) == drawn(batched(images, labels, 32))


def test_single_examples_are_read_as_batches_are():
    images, labels = examples(60)
    singles = zip(images, labels, strict=True)
    assert drawn(singles) == drawn(batched(images, labels, 16))


def test_the_draw_depends_on_the_seed():
    data = batched(*examples(), 32)
    assert drawn(data, seed=1) == drawn(data, seed=1)
    assert drawn(data, seed=1) != drawn(data, seed=2)


def test_every_example_has_the_same_chance():
    images, labels = examples(40, 2)
    counts = np.zeros(40)
    for seed in range(400):
        for value in drawn(batched(images, labels, 8), n=4, seed=seed)[0]:
            counts[round(value * 40)] += 1
    for label in (0, 1):
        each = counts[labels == label]
        expected = 800 / each.size
        assert abs(each - expected).max() < 5 * np.sqrt(expected)


def test_rare_classes_leave_their_places_to_others():
    labels = np.array([0] * 50 + [1] * 2 + [2] * 50)
    images = np.zeros((102, 2, 2, 1), np.float32)
    assert drawn(batched(images, labels, 10), n=12)[1] == [0] * 5 + [1] * 2 + [2] * 5


def test_of_more_classes_than_places_some_are_drawn():
    labels = np.arange(300) % 100
    images = np.zeros((300, 2, 2, 1), np.float32)
    first, other = (drawn(batched(images, labels, 9), n=8, seed=seed)[1] for seed in (0, 1))
    assert len(set(first)) == len(set(other)) == 8
    assert first != other


def test_one_hot_and_column_labels_count_as_indices():
    images, labels = examples(60)
    expected = drawn(batched(images, labels, 16))
    assert drawn(batched(images, np.eye(5, dtype=np.float32)[labels], 16)) == expected
    assert drawn(batched(images, labels[:, None], 16)) == expected


def test_few_images_are_kept_at_a_time():
    size, batch, n = 1 << 16, 10, 8

    def stream():
        for _ in range(100):
            yield np.zeros((batch, size, 1, 1), np.uint8), np.arange(batch) % 3

    tracemalloc.start()
    balanced(stream(), n, 0, None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # What is kept, the batch that is read and the one before it, of 1000 images.
    assert peak < (2 * n + 1 + 2 * batch + 2) * size


def test_endless_datasets_raise_before_they_are_read():
    with pytest.raises(ValueError, match="never ends: pass batches="):
        Probe.from_dataset(Endless())
    with pytest.raises(ValueError, match="never ends"):
        Probe.from_dataset(itertools.cycle(batched(*examples(60), 16)))


def test_batches_limits_what_is_read():
    images, labels = examples(60)
    endless = itertools.cycle(batched(images, labels, 16))
    assert drawn(endless, batches=2) == drawn(batched(images, labels, 16)[:2])


def test_a_loader_with_a_length_is_read_once():
    data = batched(*examples(60), 16)

    class Loader:
        def __len__(self):
            return len(data)

        def __getitem__(self, index):
            return data[index % len(data)]

    class Restarting(Loader):
        def __iter__(self):
            return itertools.cycle(data)

    assert drawn(Loader()) == drawn(data)
    assert drawn(Restarting()) == drawn(data)


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (7, "int is no dataset: pass batches of"),
        ({"image": [], "label": []}, "dict is no dataset"),
        ([], "the dataset is empty"),
        ([{"a": 1, "b": 2}], r"gives dict with keys 'a', 'b': pass keys=\(images, labels\)"),
        ([{"image": 1, "img": 1, "label": 2}], "'image', 'img', 'label': pass keys="),
        ([np.zeros((2, 4, 4, 1))], "gives ndarray: give .images, labels."),
        ([(np.zeros((2, 4, 4, 1)),)], "gives one element: give"),
        ([(np.zeros((2, 4, 4, 1)), [1, 2, 3])], r"images \(2, 4, 4, 1\) and labels \(3,\)"),
        (
            [(np.zeros((2, 4, 4, 1)), ["cat", "dog"])],
            "dataset label 'cat' is a name: pass class_names= too",
        ),
    ],
)
def test_what_is_no_dataset_raises_with_the_remedy(dataset, message):
    with pytest.raises((TypeError, ValueError), match=message):
        Probe.from_dataset(dataset)


@pytest.mark.parametrize("options", [{"n": 0}, {"n": 2.5}, {"batches": 0}, {"batches": True * 0.5}])
def test_counts_are_checked(options):
    with pytest.raises(ValueError, match="pass an integer from 1"):
        Probe.from_dataset(batched(*examples(60), 16), **options)


def test_a_probe_is_made_of_the_draw():
    images, labels = examples(60)
    probe = Probe.from_dataset(
        batched(images, labels, 16), n=20, name="val", class_names=list("abcde"), top_k=1
    )
    assert (probe.name, len(probe), probe.top_k) == ("val", 20, 1)
    values, classes = drawn(batched(images, labels, 16), n=20)
    assert [float(image[0, 0, 0]) for image in probe.images] == values
    assert list(probe.labels) == classes


def test_class_names_of_the_dataset_are_taken_over():
    class Named(list):
        class_names = tuple("abcde")

    probe = Probe.from_dataset(Named(batched(*examples(60), 16)))
    assert probe.class_names == tuple("abcde")


def test_tensorflow_datasets():
    import tensorflow as tf

    images, labels = examples(60)
    dataset = tf.data.Dataset.from_tensor_slices((images, labels))
    expected = drawn(batched(images, labels, 16))
    assert drawn(dataset.batch(7)) == expected
    assert drawn(dataset) == expected
    assert drawn(dataset.filter(lambda *_: True).batch(16)) == expected
    with pytest.raises(ValueError, match="never ends"):
        drawn(dataset.batch(16).repeat())


@pytest.mark.parametrize(
    "kind", ["arrays", "column", "lists", "tensors", "loader", "examples", "tf"]
)
def test_labels_may_be_bools(kind):
    import tensorflow as tf

    images = np.linspace(0, 1, 8, dtype=np.float32)[:, None, None, None] * np.ones((1, 4, 4, 1))
    images = images.astype(np.float32)
    truth = images[:, 0, 0, 0] > 0.5
    tensors = torch.utils.data.TensorDataset(
        torch.from_numpy(np.moveaxis(images, -1, 1)), torch.from_numpy(truth)
    )
    dataset = {
        "arrays": [(images, truth)],
        "column": [(images, truth[:, None])],
        "lists": [(images, truth.tolist())],
        "tensors": [tensors[:]],
        "loader": torch.utils.data.DataLoader(tensors, 3),
        "examples": list(zip(images, truth, strict=True)),
        "tf": tf.data.Dataset.from_tensor_slices((images, truth)).batch(3),
    }[kind]
    probe = Probe.from_dataset(dataset, n=4, class_names=["no", "yes"])
    assert sorted(probe.labels) == [0, 0, 1, 1]
    assert list(probe.labels) == [int(image[0, 0, 0] > 0.5) for image in probe.images]


def test_labels_may_be_names():
    images = np.zeros((4, 3, 3, 1), np.float32)
    probe = Probe.from_dataset([(images, ["b", "a", "b", "a"])], n=2, class_names=["a", "b"])
    assert sorted(probe.labels) == [0, 1]
    with pytest.raises(TypeError, match=r"without labels Probe\(name, images\)"):
        Probe.from_dataset([images])


class Digits(torch.utils.data.Dataset):
    """Channels first, with names as torchvision has them."""

    classes = ("a", "b", "c", "d", "e")

    def __init__(self, count=60):
        images, self.labels = examples(count)
        self.images = torch.from_numpy(np.moveaxis(images, -1, 1)).repeat(1, 3, 1, 1)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.images[index], int(self.labels[index])


def test_a_pytorch_dataset_and_its_loader_give_the_same_probe():
    data = Digits()
    probes = [
        Probe.from_dataset(each, n=10)
        for each in (
            data,
            torch.utils.data.DataLoader(data, batch_size=7),
            torch.utils.data.Subset(data, range(60)),
        )
    ]
    for probe in probes:
        assert probe.hashes == probes[0].hashes
        assert probe.labels == (0, 0, 1, 1, 2, 2, 3, 3, 4, 4)
        assert probe.class_names == data.classes
        assert probe.data_format == "channels_first"
        assert probe.images[0].shape == (4, 3, 3)


class Streamed(torch.utils.data.IterableDataset):
    def __iter__(self):
        return iter(Digits())


def test_a_loader_that_does_not_know_its_length():
    probe = Probe.from_dataset(torch.utils.data.DataLoader(Streamed(), batch_size=7), n=10)
    assert probe.hashes == Probe.from_dataset(Digits(), n=10).hashes


@pytest.mark.parametrize("own", [False, True], ids=["default", "own generator"])
@pytest.mark.parametrize("workers", [0, 1])
def test_a_shuffling_loader_is_read_by_the_seed_and_disturbs_no_training(own, workers):
    def draw(training_seed, read):
        torch.manual_seed(training_seed)
        generator = torch.Generator().manual_seed(training_seed) if own else None
        options = {"num_workers": workers, "persistent_workers": bool(workers)}
        loader = torch.utils.data.DataLoader(
            Digits(), batch_size=7, shuffle=True, generator=generator, **options
        )
        probe = Probe.from_dataset(loader, n=10, seed=3) if read else None
        order = torch.cat([labels for _, labels in loader])
        return probe, order, torch.rand(2)

    first, order, numbers = draw(0, True)
    _, plain, same = draw(0, False)
    assert torch.equal(order, plain)
    assert torch.equal(numbers, same)
    other, different, _ = draw(1, True)
    assert not torch.equal(order, different)
    assert other.hashes == first.hashes


def test_normalised_tensors_are_shown_as_they_were():
    data = Digits()
    mean, std = (0.2, 0.3, 0.4), (0.5, 0.6, 0.7)
    shape = (1, 3, 1, 1)
    data.images = (data.images - torch.tensor(mean).view(shape)) / torch.tensor(std).view(shape)
    probe = Probe.from_dataset(data, n=10, normalized=(mean, std))
    plain = Probe.from_dataset(Digits(), n=10)
    for index in range(10):
        shown = [to_numpy(Image.open(BytesIO(each.shown(index).png))) for each in (probe, plain)]
        assert np.abs(np.diff(np.int64(shown), axis=0)).max() <= 1  # a half is rounded either way
