"""What `Probe` is given: images and how they are shown, labels, names, regions, alignment."""

import numpy as np
from PIL import Image

from tensorboard_picasso.summary import Probe
from tests.remedies import GREY, OCCLUSION, Row, X, explained, linear, probe

BYTES = (X * 255).astype(np.uint8)
WIDE = (X * 4000).astype(np.uint16)
MASK = np.eye(6, dtype=bool)
SCANS = np.random.default_rng(3).random((3, 6, 6, 2)).astype(np.float32)


def halved(batch):
    return batch[:, ::2, ::2]


def mixed(batch):
    """Of an image in places of its own: no move of pixels is found."""
    return np.fft.fft2(batch, axes=(1, 2)).real.astype(np.float32)


def shuffled(batch):
    return batch + np.random.default_rng().random(batch.shape)


def of_first(size):
    return lambda batch: batch[:, :size, :size]


def explain_it(**options):
    return lambda: explained(Probe("p", **{"images": X, **options}))


ROWS = [
    probe("probe name 3: pass a string", {"name": 3}, {"name": "three"}),
    probe("data_format='first': pass one of", {"data_format": "first"}, {"data_format": "channels_last"}),
    probe("top_k=-1: pass an integer from 0", {"top_k": -1}, {"top_k": 0, "targets": [1]}),
    probe("preprocess=3: pass a function", {"preprocess": 3}, {"preprocess": lambda x: x}),
    probe("output='raw' has none: pass class_names=", {"decode_prob": list, "output": "raw"}, {"class_names": list("abc"), "output": "raw"}),
    probe("top_k=0 leaves nothing to explain: pass labels= or targets=", {"top_k": 0}, {"top_k": 0, "labels": [0, 1, 2]}),
    probe("images have 2 sizes: pass preprocess= that brings them to one", {"images": [X[0], X[1, :4, :4]]}, {"images": [X[0], X[1, :4, :4]], "preprocess": of_first(4)}),
    Row("leaves inputs of shapes .* bring them to one", explain_it(images=[X[0], X[1, :4, :4]], preprocess=lambda x: x), explain_it(images=[X[0], X[1, :4, :4]], preprocess=of_first(4))),
    probe("image 1 has 1 channels of float32, image 0 3 of float32: bring them to one kind", {"images": [X[0], GREY[0]]}, {"images": [X[0], np.repeat(GREY[0], 3, axis=2)]}),
    probe("names=.* for 3 images: pass one each", {"names": ["a"]}, {"names": ["a", "b", "c"]}),
    Row('keeps 2 of 3 images .*; max_images=3 keeps all', lambda: Probe("p", X, max_images=2), lambda: len(Probe("p", X, max_images=3)) == 3),
    Row("is read-only: pass output= to a new one", lambda: setattr(Probe("p", X), "output", "raw"), lambda: explained(Probe("p", X, output="raw"))),
    # Images.
    probe("images of type .* hold no numbers: pass arrays", {"images": np.array([object()])}, {"images": X}),
    probe(r"images is one image: pass a list, \[images\]", {"images": Image.fromarray(BYTES[0])}, {"images": [Image.fromarray(BYTES[0])]}),
    probe("images of type generator is no array or list: pass list", {"images": (each for each in X)}, {"images": list(X)}),
    Row("Probe.from_dataset reads datasets", lambda: Probe("p", SimpleDataset()), lambda: explained(Probe.from_dataset(SimpleDataset(), n=3))),
    probe("images is empty: pass at least one", {"images": []}, {"images": X[:1]}),
    probe(r"one image: pass images\[None\]", {"images": X[0]}, {"images": X[0][None]}),
    probe(r"has shape \(1, 1, 3, 6, 6, 3\): pass \(n, height, width, channels\), or of volumes", {"images": X[None, None]}, {"images": X}),
    probe(r"pass \(n, channels, height, width\)", {"images": X[None, None], "data_format": "channels_first"}, {"images": np.moveaxis(X, -1, 1), "data_format": "channels_first"}),
    probe("image 0 has dtype bool: pass integers or floats", {"images": X > 0.5}, {"images": (X > 0.5).astype(float)}),
    probe(r"image 0 has shape \(6,\): pass \(height, width, channels\)", {"images": [X[0, 0, :, 0]]}, {"images": [X[0]]}),
    probe("image 1 holds NaN or infinity: remove it from the probe or mend it", {"images": [X[0], X[1] * np.nan]}, {"images": [X[0], np.nan_to_num(X[1] * np.nan)]}),
    probe('pass data_format="channels_first"', {"images": np.moveaxis(X, -1, 1)}, {"images": np.moveaxis(X, -1, 1), "data_format": "channels_first"}),
    probe('pass data_format="channels_last"', {"images": X, "data_format": "channels_first"}, {"images": X, "data_format": "channels_last"}),
    # What is shown.
    probe(r"2 channels, and 1, 3 or 4 can be shown: pass display= \(what to show instead\)", {"images": SCANS}, {"images": SCANS, "display": GREY}),
    probe(r"pixels are uint16 .* pass display= \(what to show instead\) or value_range=\(0, 4095\)", {"images": WIDE}, {"images": WIDE, "value_range": (0, 4095), "output": "raw"}),
    probe("pixels are uint16 .* pass display=", {"images": WIDE}, {"images": WIDE, "display": GREY, "output": "raw"}),
    probe(r"pixels span 0..1 in uint8: pass value_range=\(0, 1\)", {"images": (X > 0.5).astype(np.uint8)}, {"images": (X > 0.5).astype(np.uint8), "value_range": (0, 1)}),
    probe(r"pixels span .*: pass value_range=\(0, 255\)", {"images": X * 255}, {"images": X * 255, "value_range": (0, 255)}),
    probe(r"or value_range=\(-1, 1\)", {"images": X * 2 - 1}, {"images": X * 2 - 1, "value_range": (-1, 1)}),
    probe(r"pass normalized=\(mean, std\), by which they were normalised, or value_range=", {"images": (X - 0.5) / 0.25}, {"images": (X - 0.5) / 0.25, "normalized": (0.5, 0.25)}),
    probe("once normalized= is undone: check mean and std, or pass value_range=", {"images": (X - 0.5) / 0.1, "normalized": (0.5, 0.5)}, {"images": (X - 0.5) / 0.1, "normalized": (0.5, 0.1)}),
    probe(r"display pixels span .*: pass display= in 0..1 \(floats\) or 0..255 \(uint8\)", {"display": X * 255}, {"display": X}),
    probe(r"display has 1 images for 3: pass one each", {"display": X[:1]}, {"display": X}),
    probe("display image 0 has 2 channels, .*: pass grey, RGB or RGBA", {"display": SCANS}, {"display": GREY}),
    probe("display image 0 is 4 x 4, its image 6 x 6: pass the same size", {"display": X[:, :4, :4]}, {"display": X}),
    probe(r"black and white are unknown where display= is shown: pass value_range=\(low, high\)", {"images": X * 9, "display": GREY, "region_fill": "white"}, {"images": X * 9, "display": GREY, "region_fill": "white", "value_range": (0, 9)}),
    probe(r"value_range=3: pass \(low, high\)", {"value_range": 3}, {"value_range": (0, 3)}),
    probe(r"normalized=3: pass \(mean, std\)", {"normalized": 3}, {"images": X - 0.5, "normalized": (0.5, 1)}),
    probe(r"each a number or one for each of 3 channels, std above 0", {"normalized": ((0, 0), 1)}, {"normalized": ((0, 0, 0), 1)}),
    probe("normalized= is for floats, and images are uint8: leave it out", {"images": BYTES, "normalized": (0, 1)}, {"images": BYTES}),
    # Fills.
    probe("fill 'pink' is unknown: pass 'mean', .* or a number", {"region_fill": "pink"}, {"region_fill": "blur", "regions": {"r": MASK}}),
    probe("fill .* pass a finite number, or one for each channel", {"region_fill": np.nan}, {"region_fill": 0.5, "regions": {"r": MASK}}),
    probe("fill .* or one for each of 3 channels", {"region_fill": [(0.1, 0.2)]}, {"region_fill": [(0.1, 0.2, 0.3)], "regions": {"r": MASK}}),
    probe("fill is empty|region_fill is empty: pass at least one fill", {"region_fill": []}, {"region_fill": ["mean"], "regions": {"r": MASK}}),
    probe("is no value of uint8 images: pass whole numbers of 0 to 255", {"images": BYTES, "region_fill": 0.5}, {"images": BYTES, "region_fill": 127, "regions": {"r": MASK}}),
    # Names and classes.
    probe("class name 1.5 is a float: pass strings", {"class_names": [1.5, 2.5, 3.5]}, {"class_names": ["1.5", "2.5", "3.5"]}),
    probe("class_names=3: pass a list of names", {"class_names": 3}, {"class_names": ["a", "b", "c"]}),
    probe("is no class index: pass an integer", {"targets": [1.5]}, {"targets": [1]}),
    probe("is negative: pass a class index from 0", {"targets": [-1]}, {"targets": [2]}),
    probe("'cat' is a name: pass class_names= too", {"targets": ["cat"]}, {"targets": ["cat"], "class_names": ["cat", "dog", "owl"]}),
    probe("'cow' is not in class_names .*: pass its index", {"targets": ["cow"], "class_names": ["cat", "dog", "owl"]}, {"targets": [2], "class_names": ["cat", "dog", "owl"]}),
    probe("targets=1.5: pass a list of classes", {"targets": 1.5}, {"targets": [1]}),
    Row("class_names has 2 names and the model 3 classes: pass one each, or", explain_it(class_names=["a", "b"]), explain_it(class_names={0: "a", 1: "b"})),
    Row("class_names has 2 names .* pass one each", explain_it(class_names=["a", "b"]), explain_it(class_names=["a", "b", "c"])),
    Row("return the names of all 3 classes, or for each image a list of", explain_it(decode_prob=lambda p: ["a"]), explain_it(decode_prob=lambda p: ["a", "b", "c"])),
    Row("for each image a list of .index, name.", explain_it(decode_prob=lambda p: [("n0", "a", 0.5)]), explain_it(decode_prob=lambda p: [[(2, "a")]] * len(p))),
    # Regions.
    probe("regions of type list: pass {name: mask}", {"regions": [MASK]}, {"regions": {"r": MASK}}),
    probe("region name 3: pass a string", {"regions": {3: MASK}}, {"regions": {"3": MASK}}),
    probe("region 'r' is 'mask': pass a mask of booleans", {"regions": {"r": "mask"}}, {"regions": {"r": MASK}}),
    probe("pass .height, width. or one such an image", {"regions": {"r": np.ones(6, bool)}}, {"regions": {"r": MASK}}),
    probe("has 2 masks for 3 images: pass one each", {"regions": {"r": [MASK] * 2}}, {"regions": {"r": [MASK] * 3}}),
    probe("pass a mask of the viewed image's size", {"regions": {"r": MASK[:4]}}, {"regions": {"r": MASK}}),
    probe("pass booleans, such as mask > 0", {"regions": {"r": MASK * 255}}, {"regions": {"r": MASK * 255 > 0}}),
    probe("is empty: leave out the image or the region", {"regions": {"r": ~MASK & MASK}}, {"regions": {}}),
    probe("is the whole image: pass a part of it", {"regions": {"r": MASK | True}}, {"regions": {"r": MASK}}),
    # What the model is given.
    Row("preprocess returns dtype .*: return numbers", explain_it(preprocess=lambda x: x.astype(str)), explain_it(preprocess=lambda x: x.astype(str).astype(float))),
    Row("preprocess is random: pass one that gives the same for the same images", explain_it(preprocess=shuffled), explain_it(preprocess=lambda x: x + 0.5)),
    Row("cannot be brought back: pass alignment=, the 2x3 matrix", lambda: Probe("p", X, preprocess=mixed).align(0), lambda: explained(Probe("p", X, preprocess=mixed, alignment=[[1, 0, 0], [0, 1, 0]]), linear, OCCLUSION)),
    probe("alignment has shape .*: pass 2x3, or 3x2x3", {"preprocess": halved, "alignment": np.eye(3)}, {"preprocess": halved, "alignment": np.eye(3)[:2] / 2}),
    probe("alignment='half': pass a 2x3 matrix of numbers", {"preprocess": halved, "alignment": "half"}, {"preprocess": halved, "alignment": [[0.5, 0, 0], [0, 0.5, 0]]}),
]  # fmt: skip


class SimpleDataset:
    """Read batch by batch, and no array."""

    def __len__(self):
        return 1

    def __iter__(self):
        return iter([(X, [0, 1, 2])])
