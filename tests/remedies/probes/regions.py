"""Regions of some images, and which example of a dataset an image is."""

import numpy as np

from tests.remedies import X, probe

MASK = np.eye(6, dtype=bool)


def lying(on):
    return {"regions": {"r": on}}


ROWS = [
    probe("has key '0': pass {index of the image: mask}", lying({"0": MASK}), lying({0: MASK})),
    probe("lies on image 3 of 3: count from 0", lying({3: MASK}), lying({2: MASK})),
    probe("lies on none of the 3 images: pass a mask of one", lying({}), lying({1: MASK})),
    probe("image 1 is empty: leave out", lying([MASK, ~MASK & MASK, MASK]), lying({0: MASK, 2: MASK})),
    probe("for 3 images: pass one each, or None", {"source_indices": [7]}, {"source_indices": [7, None, 8]}),
    probe("source_indices has .*: pass integers below", {"source_indices": [1 << 53] * 3}, {"source_indices": [(1 << 53) - 1] * 3}),
    probe("region_tolerance=-1: pass pixels, 0 or more", {"regions": {"r": MASK}, "region_tolerance": -1}, {"regions": {"r": MASK}, "region_tolerance": 1.5}),
    probe("source_indices=-1: pass an integer from 0", {"source_indices": [-1, 0, 1]}, {"source_indices": range(len(X))}),
]  # fmt: skip
