"""Groups of a probe's images: checked, drawn evenly, stored, told as scalars and read again."""

import csv
import io
import json
from collections import Counter

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

import tensorboard_picasso
from tensorboard_picasso import summary
from tensorboard_picasso.export import mapnumbers
from tensorboard_picasso.export.evolution import MapSubject
from tensorboard_picasso.export.means import MeanSubject, gather_mean
from tensorboard_picasso.export.source import gather
from tensorboard_picasso.logs.bounds import COMMAND
from tensorboard_picasso.logs.errors import NotThereError
from tensorboard_picasso.logs.events import EventReader
from tensorboard_picasso.stored import record
from tensorboard_picasso.stored.metadata import Kind
from tensorboard_picasso.summary import Probe
from tests.kit import events

COUNT = 120
# Three classes; hospital B is rare, and has no image of class 2.
LABELS = np.arange(COUNT) % 3
HOSPITALS = ["B" if index % 10 == 0 and index % 3 != 2 else "A" for index in range(COUNT)]
IMAGES = (np.arange(COUNT, dtype=np.float32)[:, None, None, None] / COUNT) * np.ones((4, 3, 1))
IMAGES = IMAGES.astype(np.float32)


def value_of(image):
    return round(float(image[0, 0, 0]) * COUNT)


class Scans(Dataset):
    """(image, label, hospital), or a dict of them."""

    def __init__(self, named=False):
        self.named = named

    def __len__(self):
        return COUNT

    def __getitem__(self, index):
        parts = torch.full((1, 4, 3), index / COUNT), int(LABELS[index]), HOSPITALS[index]
        return (
            dict(zip(("image", "label", "hospital"), parts, strict=True)) if self.named else parts
        )


def batches(size=16, codes=False):
    groups = [ord(each) for each in HOSPITALS] if codes else HOSPITALS
    return [
        (IMAGES[at : at + size], LABELS[at : at + size], groups[at : at + size])
        for at in range(0, COUNT, size)
    ]


def tf_dataset():
    import tensorflow as tf

    given = {"image": IMAGES, "label": LABELS, "hospital": HOSPITALS}
    return tf.data.Dataset.from_tensor_slices(given).batch(16)


DATASETS = {
    "batches": (batches, 2),
    "tf.data, dicts": (tf_dataset, "hospital"),
    "dataset": (Scans, 2),
    "dataset of dicts": (lambda: Scans(named=True), "hospital"),
    "shuffling loader": (lambda: DataLoader(Scans(), batch_size=16, shuffle=True), 2),
    "loader of dicts": (lambda: DataLoader(Scans(named=True), batch_size=16), "hospital"),
    "a list by example": (batches, HOSPITALS),
    "an array by example": (Scans, np.array(HOSPITALS)),
    "a list behind a loader that shuffles": (
        lambda: DataLoader(Scans(), batch_size=16, shuffle=True), HOSPITALS,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DATASETS)
def test_a_draw_is_as_even_over_groups_within_classes_as_the_dataset_has_them(name):
    make, groups = DATASETS[name]
    probe = Probe.from_dataset(make(), n=10, seed=3, groups=groups)
    for image, label, group in zip(probe.images, probe.labels, probe.groups, strict=True):
        index = value_of(image)
        assert (label, group) == (LABELS[index], HOSPITALS[index])
    # Five sides are there: two images of each.
    sides = Counter(zip(probe.labels, probe.groups, strict=True))
    assert sides == dict.fromkeys([(0, "A"), (0, "B"), (1, "A"), (1, "B"), (2, "A")], 2)


def test_a_draw_that_ends_within_a_round_is_even_over_classes_and_over_groups():
    labels = np.arange(40) % 2
    groups = [("x", "y")[index // 2 % 2] for index in range(40)]
    for n, most in ((2, 1), (6, 2)):
        probe = Probe.from_dataset([(IMAGES[:40], labels)], n=n, groups=groups)
        assert set(Counter(probe.labels).values()) == {n // 2}
        assert set(Counter(probe.groups).values()) == {n // 2}
        assert max(Counter(zip(probe.labels, probe.groups, strict=True)).values()) == most


def test_all_classes_are_drawn_where_there_are_more_groups_than_places():
    labels = np.arange(COUNT) % 6
    groups = [f"camera {index // 6}" for index in range(COUNT)]  # twenty of each class
    probe = Probe.from_dataset([(IMAGES, labels)], n=12, groups=groups)
    assert Counter(probe.labels) == dict.fromkeys(range(6), 2)
    assert len(set(zip(probe.labels, probe.groups, strict=True))) == 12


def test_the_draw_depends_on_the_order_alone_and_is_without_groups_what_it_was():
    drawn = [
        Probe.from_dataset(batches(size), n=10, seed=5, groups=2).source_indices
        for size in (1, 7, 120)
    ]
    assert drawn[0] == drawn[1] == drawn[2]
    plain = Probe.from_dataset(batches(7), n=9, seed=5)
    assert plain.groups is None
    one = Probe.from_dataset(batches(7), n=9, seed=5, groups=["all"] * COUNT)
    assert one.source_indices == plain.source_indices
    assert one.groups == ("all",) * 9


def test_values_that_are_no_classes_are_drawn_evenly_over_groups():
    values = np.where(np.arange(COUNT) < 50, np.arange(COUNT), np.arange(COUNT) + 0.5)
    probe = Probe.from_dataset([(IMAGES, values)], n=8, groups=HOSPITALS)
    assert Counter(probe.groups) == {"A": 4, "B": 4}
    assert all(
        HOSPITALS[at] == of for at, of in zip(probe.source_indices, probe.groups, strict=True)
    )


def test_whole_numbers_name_groups_and_none_is_in_none():
    probe = Probe.from_dataset(batches(codes=True), n=10, groups=2)
    assert set(probe.groups) == {"65", "66"}
    tensor = torch.tensor([7, 8])
    assert Probe("p", IMAGES[:2], groups=tensor).groups == ("7", "8")
    assert Probe("p", IMAGES[:3], groups=["a", None, b"b"]).groups == ("a", None, "b")


def test_they_are_read_only_cut_with_the_images_and_kept_with_further_regions():
    probe = Probe("p", IMAGES[:5], groups=["a", "b", "a", None, "b"], max_images=4)
    assert probe.groups == ("a", "b", "a", None)
    with pytest.raises(AttributeError, match="read-only"):
        probe.groups = ("b",)
    corner = np.zeros((4, 3), bool)
    corner[0, 0] = True
    assert probe.with_regions({"corner": corner}).groups == probe.groups
    assert [probe.shown(at).group for at in range(4)] == ["a", "b", "a", None]
    assert Probe("p", IMAGES[:5]).groups is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["a", "b"], "groups: 2 for 3 images: pass one an image"),
        ("abc", "groups: 1 for 3 images"),
        ({"a": 0}, r"groups=\{'a': 0\}: pass a list of names"),
        (["a", 0.5, "b"], "group 0.5 is a float: pass names"),
        (["a", float("nan"), "b"], "group nan is a float"),
        (["a", True, "b"], "group True is a bool"),
        (["a", " ", "b"], "group ' ' is empty: pass None"),
        ([["a"], "b", "c"], r"group \['a'\] is a list"),
    ],
)
def test_what_names_no_groups_is_refused(given, message):
    with pytest.raises((TypeError, ValueError), match=message):
        Probe("p", IMAGES[:3], groups=given)


def test_more_groups_than_are_shown_are_refused():
    given = [str(index) for index in range(65)]
    with pytest.raises(ValueError, match="groups has 65 names: pass at most 64"):
        Probe("p", IMAGES[:65], groups=given, max_images=65)
    assert len(Probe("p", IMAGES[:65], groups=[*given[:64], None], max_images=65).groups) == 65


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (3, "groups=3, and the dataset gives 3 elements, 0 to 2: pass that"),
        ("hospital", "groups='hospital', and the dataset gives 3 elements"),
        (HOSPITALS[:50], "groups: 50, and there are more examples: pass one each"),
        (lambda index: "a", "groups=<function"),
    ],
)
def test_a_dataset_without_such_groups_is_told_of(groups, message):
    with pytest.raises((TypeError, ValueError), match=message):
        Probe.from_dataset(batches(), n=4, groups=groups)


def test_a_list_needs_to_know_the_examples():
    def two(examples):
        return torch.utils.data.default_collate(examples[:2])

    loader = DataLoader(Scans(), batch_size=3, collate_fn=two)
    with pytest.raises(
        ValueError, match="which examples the images are is not known: pass the key"
    ):
        Probe.from_dataset(loader, n=4, groups=HOSPITALS)
    assert set(Probe.from_dataset(loader, n=4, groups=2).groups) == {"A", "B"}


def test_the_record_of_an_image_says_its_group_and_that_of_edits_too():
    probe = Probe("p", IMAGES[:2], groups=["a", None])
    for at, group in enumerate(("a", None)):
        assert record.unpack_input(record.pack_input(probe.shown(at))).group == group
    made = record.Edited(bytes(16), (0,), 1, group="a")
    assert made.donor_class is None


# What the model says is what stands in an image's first two pixels: logits of two classes.
LOGITS = [(2.0, 0.0), (0.0, 1.0), (3.0, 0.0), (1.0, 0.0), (0.0, 4.0), (0.5, 0.0)]
TRUE = [0, 1, 1, 0, 1, 1]
GROUPS = ["A, north", "A, north", "B (south)", "B (south)", None, "B (south)"]


def logits(x):
    return np.asarray(x)[:, 0, :2, 0]


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    path = tmp_path_factory.mktemp("groups")
    images = np.zeros((6, 4, 4, 1), np.float32)
    images[:, 0, :2, 0] = LOGITS
    probe = Probe("p", images, labels=TRUE, groups=GROUPS, output="logits", value_range=(0, 4))
    for step in (0, 1):
        given = {"writer": str(path / "run"), "step": step, "strict": True}
        assert summary.occlusion(probe, logits, window=2, stride=2, **given)
    assert summary.edited(probe, logits, edits=["mirrored"], **given)
    plain = Probe("plain", images, labels=TRUE, output="logits", value_range=(0, 4))
    assert summary.occlusion(plain, logits, window=2, stride=2, **given)
    unlabelled = Probe("unlabelled", images, groups=GROUPS, output="logits", value_range=(0, 4))
    assert summary.occlusion(unlabelled, logits, window=2, stride=2, **given)
    summary.flush()
    return path


def test_scalars_by_group_are_those_by_hand(logged):
    told = events.scalars(logged)
    of = [
        1 / (1 + np.exp(-(pair[true] - pair[1 - true])))
        for pair, true in zip(LOGITS, TRUE, strict=True)
    ]
    # Names without the letters that MLflow refuses.
    expected = {
        "p/accuracy of A north": 1.0,
        "p/accuracy of B south": 1 / 3,
        "p/probability of the true class of A north": np.mean(of[:2]),
        "p/probability of the true class of B south": np.mean([of[2], of[3], of[5]]),
    }
    for tag, value in expected.items():
        assert told[1, tag] == pytest.approx(value, abs=1e-6)
    by_group = {tag for _, tag in told if "accuracy" in tag or "class of" in tag}
    assert by_group == set(expected)  # nothing without groups, or without labels


def test_no_two_groups_share_a_scalar(tmp_path):
    """Also where names differ in letters alone that tags lack, or are those of the nameless."""
    names = ["a?", "a!", "group 1", "群"]
    images = np.zeros((4, 2, 2, 1), np.float32)
    probe = summary.Probe("p", images, labels=[0, 1, 0, 1], output="logits", groups=names)
    summary.class_probabilities(
        probe, lambda x: np.zeros((len(x), 2)), writer=str(tmp_path), step=0, strict=True
    )
    summary.flush()
    told = {tag for _, tag in events.scalars(tmp_path) if "accuracy" in tag}
    assert len(told) == len(names)


def test_what_is_read_and_exported_says_the_group(logged):
    log = tensorboard_picasso.read(logged)["run"]
    assert log["p"].groups == dict(enumerate(GROUPS))
    assert [log["p"].picture(at).group for at in range(6)] == GROUPS
    assert log["plain"].groups == {}
    assert log["plain"].picture(0).group is None
    room = COMMAND.room(COMMAND.kept, "what is exported")
    reader = EventReader(logged, [].append)
    for probe, image, group in (("p", 2, "B (south)"), ("p", 4, None), ("plain", 0, None)):
        found = gather(reader, MapSubject("run", probe, image, "occlusion"))
        rows = list(csv.DictReader(io.StringIO(mapnumbers.table(found, room))))
        assert [row.get("group") for row in rows] == [group] * len(rows)
        with np.load(io.BytesIO(mapnumbers.arrays(found, room, found.fitting(None)))) as arrays:
            assert json.loads(str(arrays["metadata"]))["group"] == group
    (edits,) = [
        each for (_, series), each in events.records(logged).items() if series.kind is Kind.EDITS
    ]
    assert [image.group for image in edits.images] == GROUPS


def test_means_over_groups_are_those_over_their_images(logged):
    found = {
        series.over: (series.tag, mean)
        for (step, series), mean in events.records(logged).items()
        if series.kind is Kind.GROUP_MEAN and (step, series.probe) == (1, "p")
    }
    assert {over: tag for over, (tag, _) in found.items()} == {
        "A, north": "p/mean in A, north/occlusion",
        "B (south)": "p/mean in B (south)/occlusion",
    }
    for over, (_, mean) in found.items():
        images = [at for at, group in enumerate(GROUPS) if group == over]
        assert [(each.image, each.target) for each in mean.members] == [
            (at, TRUE[at]) for at in images
        ]
        importance = []
        for at in images:
            grid = events.logged(logged, Kind.METHOD, at, "occlusion").grid
            importance.append(grid.whole[TRUE[at]] - grid.values[:, :, TRUE[at]])
        np.testing.assert_allclose(mean.means, np.mean(importance, 0), atol=1e-6)
    of_unlabelled = [
        series.over
        for (_, series) in events.records(logged)
        if series.kind is Kind.GROUP_MEAN and series.probe == "unlabelled"
    ]
    assert sorted(of_unlabelled) == ["A, north", "B (south)"]


def test_means_over_groups_are_exported(logged):
    reader = EventReader(logged, [].append)
    found = gather_mean(reader, MeanSubject("run", "p", "occlusion", "B (south)"))
    assert found.group_name == "B (south)"
    assert [moment.step for moment in found.drawn] == [0, 1]
    assert found.caption(found.drawn[0], str)[0] == "B (south): mean of 3 images"
    with pytest.raises(NotThereError, match='no mean of group C of "occlusion"'):
        gather_mean(reader, MeanSubject("run", "p", "occlusion", "C"))
