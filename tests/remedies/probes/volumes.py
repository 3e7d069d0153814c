"""Volumes: what is given of them, and what goes with pictures alone."""

import tempfile
from pathlib import Path

import numpy as np
import torch

from tensorboard_picasso import summary
from tensorboard_picasso.summary import Occlusion, Probe, Saliency
from tests.remedies import OCCLUSION, Row, explained, linear, probe

VOLUMES = np.random.default_rng(5).random((2, 4, 5, 5, 1)).astype(np.float32)
MASK = np.zeros((4, 5, 5), bool)
MASK[1:3, 2:4, 2:4] = True
PARTS = np.repeat(np.arange(4), 25).reshape(4, 5, 5)


def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(100, 3)).eval()


def segmenting():
    """Scores of each voxel, (n, 3, depth, height, width)."""
    torch.manual_seed(0)
    return torch.nn.Conv3d(1, 3, 3, padding=1).eval()


def of(method, model=linear, **options):
    """Make maps of volumes; so many numbers as the model takes."""
    return lambda: explained(Probe("p", **{"images": VOLUMES, **options}), model, method())


def checked(method):
    return lambda: method().check(Probe("p", VOLUMES))


def gradients(**options):
    return lambda: explained(Probe("p", VOLUMES, **options), network(), Saliency())


def voc(regions):
    """Annotations of two pictures, and a probe of volumes with regions."""
    folder = Path(tempfile.mkdtemp(prefix="picasso-"))
    text = (
        "<annotation><size><width>5</width><height>5</height></size><object><name>cat</name>"
        "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></object></annotation>"
    )
    for name in ("a", "b"):
        (folder / f"{name}.xml").write_text(text)
    found = summary.voc_regions(folder, ["a.png", "b.png"])
    return Probe("p", VOLUMES, regions=found if regions is None else regions)


def turned(x):
    return np.asarray(x)[:, ::-1]


ROWS = [
    probe("pass pictures or volumes, each to a probe of their own", {"images": [VOLUMES[0], VOLUMES[0, 0]]}, {"images": [*VOLUMES]}),
    probe(r"can be shown: pass display= .*, or where they are volumes images\[\.\.\., None\]", {"images": np.zeros((2, 8, 5, 6), np.uint8)}, {"images": VOLUMES}),
    probe(r"or where they are volumes images\[:, None\]", {"images": torch.zeros(2, 8, 5, 6)}, {"images": torch.zeros(1, 1, 4, 5, 5), "output": "raw"}),
    probe("mean_over= is for outputs over pixels, and the images are volumes: pass score=", {"images": VOLUMES, "mean_over": "all"}, {"images": VOLUMES}),
    Row("pass score=", lambda: Probe("p", VOLUMES, mean_over="all"), lambda: explained(Probe("p", VOLUMES, score=lambda output: output.mean((2, 3, 4))), segmenting(), Occlusion(2, 2), Saliency())),
    Row("outputs over voxels pass score=", lambda: explained(Probe("p", VOLUMES), segmenting()), lambda: explained(Probe("p", VOLUMES, score=lambda output: output.mean((2, 3, 4))), segmenting())),
    probe("alignment= is of pictures, and the images are volumes: leave it out", {"images": VOLUMES, "alignment": np.eye(2, 3), "preprocess": np.copy}, {"images": VOLUMES, "preprocess": np.copy}),
    Row("moves voxels, .* give the probe volumes that are resized, cropped and turned already", gradients(preprocess=turned), lambda: explained(Probe("p", turned(VOLUMES).copy()), network(), Saliency())),
    Row(r"annotates pictures, and the probe has volumes: pass masks \(depth, height, width\)", lambda: voc(None), lambda: explained(voc({"cat": MASK}))),
    probe(r"has shape \(5, 5\): pass \(depth, height, width\) or one such an image", {"images": VOLUMES, "regions": {"r": MASK[1]}}, {"images": VOLUMES, "regions": {"r": MASK}}),
    Row(r"window=\(2, 2\) of image 4x5x5: pass one number, or \(depth, height, width\)", of(lambda: Occlusion((2, 2), 2)), of(lambda: Occlusion((2, 2, 2), 2))),
    Row(r"window=\(1, 2, 2, 2\): pass \(height, width\), or of volumes", lambda: Occlusion((1, 2, 2, 2)), of(lambda: Occlusion((1, 2, 2), 1))),
    Row(r"box \(0, 0, 2, 2\) of image 0 .*: pass \(front, top, left, depth, height, width\)", checked(lambda: Occlusion(segments=[(0, 0, 2, 2), (2, 2, 2, 2)])), of(lambda: Occlusion(segments=[(0, 0, 0, 2, 2, 2), (0, 2, 2, 2, 2, 2)]))),
    Row("pass a label map of the viewed image's size", checked(lambda: Occlusion(segments=PARTS[:3])), of(lambda: Occlusion(segments=PARTS))),
    Row(r"no layer that returns volumes .*: use Saliency, or Occlusion", of(lambda: summary.GradCAM(), network()), lambda: explained(Probe("p", VOLUMES), network(), Saliency(), OCCLUSION)),
    probe("postprocess= makes maps of pictures, and the images are volumes: leave it out", {"images": VOLUMES, "postprocess": np.copy}, {"images": VOLUMES}),
    Row("rise is of pictures, .* use Occlusion", checked(lambda: summary.RISE()), of(lambda: OCCLUSION)),
    Row("layer='0' is of pictures, and probe 'p' has volumes: leave it out", checked(lambda: summary.Captum("InputXGradient", layer="0")), lambda: explained(Probe("p", VOLUMES), network(), summary.Captum("InputXGradient"))),
    Row("has volumes: pass fill='mean'", checked(lambda: Occlusion(fill="dropped tokens")), of(lambda: Occlusion(2, 2, fill="mean"))),
]  # fmt: skip
