"""What `Probe.from_dataset` reads, and the other inputs, outputs and masks of a probe."""

import itertools

import numpy as np
import torch

from tensorboard_picasso.summary import Probe
from tests.remedies import Row, W, X, explained, linear, probe

LABELS = [0, 1, 2]
NAMED = [{"img": X, "fine_label": LABELS, "coarse_label": [0, 0, 0]}]


class Named(torch.utils.data.Dataset):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        return {"scan": torch.tensor(np.moveaxis(X[index], -1, 0)), "finding": index}


def drawn(dataset, **options):
    return lambda: Probe.from_dataset(dataset, **options)


def works(dataset, **options):
    def try_it():
        found = Probe.from_dataset(dataset, **options)
        explained(found)
        return found

    return try_it


def with_keys():
    loader = torch.utils.data.DataLoader(Named(), batch_size=2)
    found = Probe.from_dataset(loader, keys=("scan", "finding"))
    assert list(found.labels) == LABELS
    for image, label in zip(found.images, found.labels, strict=True):
        np.testing.assert_array_equal(image, X[label])


def long():
    """Without a length."""
    return ((X[:1], [0]) for _ in range(10_001))


def limited():
    found = Probe.from_dataset(long(), n=4, batches=3)
    assert len(found) == 3
    explained(found)


def several(x, other):
    return linear(x) * np.asarray(other).reshape(len(x), -1)[:, :1]


def scored_by(model, **options):
    return lambda: explained(Probe("p", X, output="raw", **options), model)


def two(x):
    return {"one": linear(x), "two": -linear(x)}


def pixels(x):
    return np.asarray(x) @ W[:3]


def flat(outputs):
    return outputs.reshape(len(outputs), -1)[:, :2]


class Grouped(Named):
    def __getitem__(self, index):
        return torch.tensor(np.moveaxis(X[index], -1, 0)), index, "abc"[index]


def unknown():
    """A loader whose batches have other examples than its sampler took."""

    def first(examples):
        return torch.utils.data.default_collate(examples[:2])

    return torch.utils.data.DataLoader(Grouped(), batch_size=3, collate_fn=first)


MANY = np.repeat(X[:1], 65, 0)
OTHER = np.array([1.0, 2.0, 3.0])
ONE = {"other": OTHER}
ROWED = [(X, np.array([[0, 2], [1, 2], [2, 1]]))]
HOT = np.array([[1, 0, 1], [0, 1, 1], [0, 1, 1]])

ROWS = [
    Row("n=0: pass an integer from 1", drawn([(X, LABELS)], n=0), works([(X, LABELS)], n=1)),
    Row("batches=0: pass an integer from 1", drawn([(X, LABELS)], batches=0), works([(X, LABELS)], batches=1)),
    Row("int is no dataset: pass batches of .images, labels.", drawn(7), works([(X, LABELS)])),
    Row("the dataset never ends: pass batches=, how many to read", drawn(itertools.cycle([(X, LABELS)])), works(itertools.cycle([(X, LABELS)]), batches=2)),
    Row("from_dataset read 10000 batches; batches= limits it", drawn(long(), n=1), limited),
    Row("the dataset gives ndarray: give .images, labels.", drawn([X]), works([(X, LABELS)])),
    Row("or without labels Probe.name, images.", drawn([X]), lambda: explained(Probe("p", X))),
    Row("keys 'img', 'fine_label', 'coarse_label': pass keys=.images, labels., which", drawn([{"img": X, "fine_label": LABELS, "coarse_label": LABELS}]), works(NAMED, keys=("img", "fine_label"))),
    Row("keys 'scan', 'finding': pass keys=", drawn(torch.utils.data.DataLoader(Named())), with_keys),
    Row("keys=.'image', 'label'., and the dataset gives .* pass those of the images", drawn(NAMED, keys=("image", "label")), works(NAMED, keys=("img", "coarse_label"))),
    Row("keys=.0, 2., and the dataset gives 2 elements, 0 to 1: pass those", drawn([(X, LABELS)], keys=(0, 2)), works([(X, LABELS)], keys=(0, 1))),
    Row("groups=2, and the dataset gives 2 elements, 0 to 1: pass that of the groups", drawn([(X, LABELS)], groups=2), works([(X, LABELS, ["a", "b", "a"])], groups=2)),
    Row("groups: 2, and there are more examples: pass one each", drawn([(X, LABELS)], groups=["a", "b"]), works([(X, LABELS)], groups=["a", "b", "a"])),
    Row("groups= is a list, and which examples .* pass the key or index of the groups in a batch", drawn(unknown(), groups=["a", "b", "a"]), works(unknown(), groups=2)),
    probe("groups: 2 for 3 images: pass one an image, or None", {"groups": ["a", "b"]}, {"groups": ["a", "b", None]}),
    probe("groups has 65 names: pass at most 64, and None for the rest", {"images": MANY, "max_images": 65, "groups": list(range(65))}, {"images": MANY, "max_images": 65, "groups": [*range(64), None]}),
    probe("groups=3.5: pass a list of names, one an image", {"groups": 3.5}, {"groups": ["a", "b", "a"]}),
    probe("group 0.5 is a float: pass names, or None", {"groups": ["a", 0.5, "b"]}, {"groups": ["a", "0.5", None]}),
    probe("group '' is empty: pass None where an image belongs to none", {"groups": ["a", "", "b"]}, {"groups": ["a", None, "b"]}),
    Row("keys='image': pass .images, labels., the keys of both", drawn(NAMED, keys="image"), works(NAMED, keys=["img", "fine_label"])),
    Row("inputs cannot follow the images that are drawn: draw them yourself and pass Probe", drawn([(X, LABELS)], inputs=ONE), scored_by(several, inputs=ONE)),
    Row("rows of whole numbers .* give rows of 0 and 1, one a class, where they are classes", drawn(ROWED), works([(X, HOT)], output="logits")),
    Row("rows of whole numbers .* floats where they are values", drawn(ROWED), works([(X, ROWED[0][1].astype(float))])),
    # Other inputs, outputs, masks.
    probe("pick=1.5: pass an output's name or index", {"pick": 1.5}, {}),
    Row("pick=1.5: pass an output's name or index", lambda: Probe("p", X, pick=1.5), scored_by(two, pick="two")),
    Row("score=3: pass a function from the model's outputs to scores", lambda: Probe("p", X, score=3), scored_by(pixels, score=flat)),
    Row("inputs=ndarray: pass {name: values}, or a list or tuple with None", lambda: Probe("p", X, inputs=OTHER), scored_by(several, inputs=(None, OTHER))),
    probe("inputs= has nothing beside the image: leave it out", {"inputs": [None]}, {}),
    Row("score_inputs=.*: pass {name: values, one row an image}", lambda: Probe("p", X, score=flat, score_inputs=OTHER), scored_by(pixels, score=lambda y, k: flat(y) * k[:, None], score_inputs={"k": OTHER})),
    Row("inputs 'other' has dtype .*: pass numbers", lambda: Probe("p", X, inputs={"other": ["a", "b", "c"]}), scored_by(several, inputs=ONE)),
    Row("for 3 images: pass one row each", lambda: Probe("p", X, inputs={"other": OTHER[:2]}), scored_by(several, inputs=ONE)),
    Row("mean_over='best': pass 'predicted', 'all' or masks", lambda: Probe("p", X, mean_over="best"), scored_by(pixels, mean_over="all")),
    Row("pass a mask .height, width. of the output, or one each", lambda: Probe("p", X, mean_over=np.ones(6)), scored_by(pixels, mean_over=np.ones((6, 6)))),
    Row("mean_over has values beside 0 and 1: pass true where a pixel counts", lambda: Probe("p", X, mean_over=np.full((6, 6), 2)), scored_by(pixels, mean_over=np.full((6, 6), 2) > 0)),
    Row("mean_over is empty for image 0: mark a pixel", lambda: Probe("p", X, mean_over=np.zeros((6, 6))), scored_by(pixels, mean_over=np.eye(6))),
    Row("pass masks of the output's height and width", scored_by(pixels, mean_over=np.ones((3, 3))), scored_by(pixels, mean_over=np.ones((6, 6)))),
    Row("of raw outputs, which predict no class: pass masks or 'all'", scored_by(pixels, mean_over="predicted"), scored_by(pixels, mean_over="all")),
    Row("mean_over= is for outputs over pixels: leave it out", scored_by(linear, mean_over="all"), scored_by(linear)),
    Row("for outputs over pixels pass mean_over=", scored_by(pixels), scored_by(pixels, mean_over="all")),
    Row("for others score=", scored_by(pixels), scored_by(pixels, score=flat)),
    Row("two returns a dict: return one array .n, classes., or pass pick=", scored_by(two), scored_by(two, pick="one")),
    Row("returns a list: return one array .n, classes., or pass pick=|returns 2 outputs: pass pick=", scored_by(lambda x: [linear(x), linear(x)]), scored_by(lambda x: [linear(x), linear(x)], pick=1)),
    Row("score= returns list: return scores .n,. or .n, k.", scored_by(pixels, score=lambda y: [1]), scored_by(pixels, score=flat)),
    Row("score= returns one number: return scores .n,. or .n, k.", scored_by(pixels, score=lambda y: y.sum()), scored_by(pixels, score=lambda y: y.sum((1, 2, 3)))),
    Row("several takes 2 inputs .x, other.: give the probe inputs= with all but the image", scored_by(several), scored_by(several, inputs=ONE)),
    Row("takes a dict with 'image': give the probe inputs={'image': None}", scored_by(lambda given: linear(given["image"])), scored_by(lambda given: linear(given["image"]), inputs={"image": None})),
    Row("has no arguments other: where it takes one dict, name the image too, as None", scored_by(lambda given: several(given["image"], given["other"]), inputs=ONE), scored_by(lambda given: several(given["image"], given["other"]), inputs={"image": None, **ONE})),
    Row("asks for 'image', and inputs= has 'scan': name it there", scored_by(lambda given: linear(given["image"]), inputs={"scan": None}), scored_by(lambda given: linear(given["image"]), inputs={"image": None})),
]  # fmt: skip
