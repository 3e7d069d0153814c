"""Which example of its dataset an image is: found when drawn, logged, served, shown, exported."""

import csv
import io
import json

import numpy as np
import pytest
import torch
from torch.utils.data import BatchSampler, DataLoader, Dataset, IterableDataset, Subset

from tensorboard_picasso import summary
from tensorboard_picasso.export import mapnumbers
from tensorboard_picasso.export.evolution import MapSubject
from tensorboard_picasso.export.source import gather
from tensorboard_picasso.logs.bounds import COMMAND
from tensorboard_picasso.logs.events import EventReader
from tensorboard_picasso.stored import record, record_pb2, seal
from tensorboard_picasso.summary import Probe
from tests.kit import packs
from tests.kit.browser import tab
from tests.kit.serving import get, tensorboard

COUNT = 60


def label_of(index):
    return index * 7 % 5


class Numbered(Dataset):
    """Images whose every pixel is their index."""

    def __len__(self):
        return COUNT

    def __getitem__(self, index):
        return torch.full((1, 4, 3), index / COUNT), label_of(index)


class Streamed(IterableDataset):
    def __iter__(self):
        return iter([Numbered()[index] for index in range(COUNT)])


def value_of(image):
    return round(float(image[0, 0, 0]) * COUNT)


def loader(**options):
    return DataLoader(Numbered(), **{"batch_size": 7, **options})


def in_pairs():
    order = np.random.default_rng(0).permutation(COUNT).tolist()
    return [order[at : at + 2] for at in range(0, COUNT, 2)]


def whole_batches(images, labels, size=16):
    return [(images[at : at + size], labels[at : at + size]) for at in range(0, COUNT, size)]


IMAGES = np.stack([Numbered()[index][0].numpy().transpose(1, 2, 0) for index in range(COUNT)])
LABELS = np.array([label_of(index) for index in range(COUNT)])


def tf_dataset():
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((IMAGES, LABELS)).batch(7)


DATASETS = {
    "arrays": lambda: whole_batches(IMAGES, LABELS),
    "tf.data": tf_dataset,
    "dataset": Numbered,
    "loader": loader,
    "shuffling": lambda: loader(shuffle=True),
    "shuffling with a generator": lambda: loader(shuffle=True, generator=torch.Generator()),
    "workers": lambda: loader(shuffle=True, num_workers=2),
    "workers that stay": lambda: loader(shuffle=True, num_workers=2, persistent_workers=True),
    "workers in any order": lambda: loader(shuffle=True, num_workers=2, in_order=False),
    "the last batch dropped": lambda: loader(shuffle=True, drop_last=True),
    "a sampler of batches": lambda: DataLoader(Numbered(), batch_sampler=in_pairs()),
    "single examples": lambda: DataLoader(Numbered(), batch_size=None, shuffle=True),
    "streamed": lambda: DataLoader(Streamed(), batch_size=7),
}


@pytest.mark.parametrize("name", DATASETS)
def test_each_image_is_the_example_that_is_said(name):
    probe = Probe.from_dataset(DATASETS[name](), n=10, seed=4)
    assert list(probe.source_indices) == [value_of(image) for image in probe.images]
    assert list(probe.labels) == [label_of(index) for index in probe.source_indices]
    assert probe.names == tuple(map(str, range(10)))
    for place, index in enumerate(probe.source_indices):
        assert record.unpack_input(record.pack_input(probe.shown(place))).source_index == index


def test_a_loaders_index_is_that_in_its_own_dataset():
    odd = Subset(Numbered(), range(1, COUNT, 2))
    for data in (odd, DataLoader(odd, batch_size=4, shuffle=True)):
        probe = Probe.from_dataset(data, n=10)
        for image, index in zip(probe.images, probe.source_indices, strict=True):
            assert odd[index][0][0, 0, 0] == image[0, 0, 0]


def test_a_loader_of_batches_that_the_dataset_makes():
    class Batched(Numbered):
        def __getitem__(self, indices):
            taken = torch.tensor(indices)
            images = (taken / COUNT)[:, None, None, None].expand(-1, 1, 4, 3)
            return images, taken * 7 % 5

    sampler = BatchSampler(torch.utils.data.RandomSampler(Numbered()), 6, drop_last=False)
    probe = Probe.from_dataset(DataLoader(Batched(), batch_size=None, sampler=sampler), n=10)
    assert list(probe.source_indices) == [value_of(image) for image in probe.images]


def test_what_nobody_tells_is_not_known():
    class Scaled(Numbered):
        def __getitem__(self, key):
            return super().__getitem__(key[0])

    def without_the_third(batch):
        return torch.utils.data.default_collate(batch[:2] + batch[3:])

    pairs = [[(index, 1.5)] for index in range(COUNT)]
    for data in (
        DataLoader(Scaled(), batch_sampler=pairs),
        loader(collate_fn=without_the_third),
    ):
        probe = Probe.from_dataset(data, n=10)
        assert probe.source_indices == (None,) * 10
        assert record.unpack_input(record.pack_input(probe.shown(0))).source_index is None


class Repeating:
    def __init__(self, sampler):
        self.sampler = sampler

    def __iter__(self):
        while True:
            yield from iter(self.sampler)


class Infinite(DataLoader):
    """Keeps one iterator over all epochs, with a sampler that starts over."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        object.__setattr__(self, "batch_sampler", Repeating(self.batch_sampler))
        self.iterator = super().__iter__()

    def __len__(self):
        return len(self.batch_sampler.sampler)

    def __iter__(self):
        for _ in range(len(self)):
            yield next(self.iterator)


class Batching(DataLoader):
    """Makes its batches itself."""

    def __iter__(self):
        for at in range(0, COUNT, 6):
            taken = [Numbered()[index] for index in range(at, at + 6)]
            yield torch.utils.data.default_collate(taken)


class WithoutTheFirst(DataLoader):
    """As many examples a batch as the sampler says, of other batches."""

    def __iter__(self):
        batches = super().__iter__()
        next(batches)
        yield from batches


class Started(DataLoader):
    """Hands out an iterator that it had before."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.kept = super()._get_iterator()

    def _get_iterator(self):
        return self.kept


@pytest.mark.parametrize("kind", [Infinite, Batching, WithoutTheFirst, Started])
def test_loaders_that_iterate_in_their_own_way_are_read_without_indices(kind):
    probe = Probe.from_dataset(kind(Numbered(), batch_size=6), n=10)
    assert list(probe.labels) == [label_of(value_of(image)) for image in probe.images]
    assert probe.source_indices == (None,) * 10


def test_a_loader_is_left_as_it_was():
    data = loader(shuffle=True)
    before = data.batch_sampler
    Probe.from_dataset(data, n=10)
    assert data.batch_sampler is before
    assert sorted(torch.cat([labels for _, labels in data]).tolist()) == sorted(LABELS)


def test_a_draw_by_hand_can_say_it_too():
    images = IMAGES[[4, 9, 2]]
    probe = Probe("p", images, source_indices=np.array([4, 9, 2]), max_images=2)
    assert probe.source_indices == (4, 9)
    assert Probe("p", images).source_indices is None
    assert Probe("p", images, source_indices=[4, None, 2]).source_indices == (4, None, 2)
    for wrong in ([4, 9], [4, 9, -2], [4, 9, 0.5], [4, 9, 1 << 53], "492"):
        with pytest.raises(ValueError, match="source_indices"):
            Probe("p", images, source_indices=wrong)


def test_a_hostile_index_is_refused():
    message = record_pb2.Input(height=1, width=1, source_index=1 << 53)
    payload = message.SerializeToString()
    sealed = record_pb2.Sealed(version=1, crc32=seal.checksum(1, payload), payload=payload)
    with pytest.raises(record.RecordError, match="damaged record: example 9007199254740992"):
        record.unpack_input(sealed.SerializeToString())


class Large(Numbered):
    """Images that a small network takes."""

    def __getitem__(self, index):
        image = np.random.default_rng(index).random((1, 12, 12), np.float32)
        return torch.from_numpy(image), label_of(index)


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    """A log of a drawn probe, and of one that was not drawn."""
    path = tmp_path_factory.mktemp("sources")
    data = DataLoader(Large(), batch_size=7, shuffle=True)
    probe = Probe.from_dataset(data, n=5, name="drawn")
    plain = Probe("plain", probe.images, labels=probe.labels)
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(144, 5))
    for each in (probe, plain):
        summary.occlusion(each, network, writer=str(path / "run"), step=0, window=4, stride=4)
    summary.flush()
    return path, probe


def evolution(path, probe, image):
    reader = EventReader(path, [].append)
    return gather(reader, MapSubject("run", probe, image, "occlusion"))


ROOM = COMMAND.room(COMMAND.kept, "what is exported")


def test_exports_say_the_example(logged):
    path, probe = logged
    for image, index in enumerate(probe.source_indices):
        found = evolution(path, "drawn", image)
        (row,) = csv.DictReader(io.StringIO(mapnumbers.table(found, ROOM)))
        assert row["source_index"] == str(index)
        with np.load(io.BytesIO(mapnumbers.arrays(found, ROOM, found.fitting(None)))) as arrays:
            assert json.loads(str(arrays["metadata"]))["source_index"] == index
    found = evolution(path, "plain", 0)
    assert "source_index" not in mapnumbers.table(found, ROOM)
    with np.load(io.BytesIO(mapnumbers.arrays(found, ROOM, found.fitting(None)))) as arrays:
        assert json.loads(str(arrays["metadata"]))["source_index"] is None


@pytest.mark.browser
def test_the_tab_says_the_example_and_finds_it(browser, logged):
    path, probe = logged
    with tensorboard(path) as url, tab(browser, url) as picasso:
        answer = packs.read(get(f"{url}data/plugin/picasso/inputs?run=run&probe=drawn")[1])
        told = {each["image"]: each["records"][0]["source_index"] for each in answer["images"]}
        assert told == dict(enumerate(probe.source_indices))
        picasso.open(probe="drawn", sort="number", page="steps").at(0)
        below = ".list article .original .below"
        # Rows out of sight are made when they come into it.
        expected = [f"example {each}" for each in probe.source_indices[:3]]
        assert picasso.frame.locator(below).all_inner_texts()[:3] == expected
        index = probe.source_indices[3]
        label = f"open image 3, example {index} of the dataset large"
        picasso.frame.get_by_role("button", name=label).click()
        picasso.frame.get_by_text(f"12 × 12 pixels · example {index} of the dataset").wait_for()
        picasso.key("Escape")
        picasso.open(probe="drawn", find=f"^example {index}$", page="steps").at(0)
        shown = picasso.frame.locator(".list article").evaluate_all(
            "all => all.map((each) => Number(each.dataset.image))"
        )
        assert shown == [3]
        picasso.open(probe="plain", sort="number", page="steps").at(0)
        assert set(picasso.frame.locator(below).all_inner_texts()) == {""}
        picasso.frame.get_by_role("button", name="open image 3 large", exact=True).wait_for()
