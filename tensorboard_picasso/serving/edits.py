"""What the routes of edits answer: of answers to edited images, in full of one edit, and some images."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.export import editarrays
from tensorboard_picasso.logs.provider import ProviderReader
from tensorboard_picasso.logs.records import Problems, Stored, only, unpacked
from tensorboard_picasso.numbers.steps import exact
from tensorboard_picasso.serving.entries import Listed, asked_of
from tensorboard_picasso.serving.pack import Pack
from tensorboard_picasso.stored import record
from tensorboard_picasso.stored.metadata import Kind

# In a byte for each image and edit, beside 0 for no and 1 for yes.
NOT_ASKED = 2


def answer(reader: ProviderReader, run: str, probe: str) -> bytes | None:
    """What became of answers to a probe's edited images; None where nothing was asked."""
    pack, problems = Pack(), Problems()
    tags = only(reader.of_probe(run, probe, blobs=False), Kind.EDITS, None)
    if not tags:
        return None
    asked = Listed(pack)

    def one(stored: Stored, said: record.Edits) -> dict[str, Any]:
        return {
            "step": exact(stored.step),
            "wall": stored.wall,
            "epoch": said.epoch,
            "asked": asked.place(asked_of(said)),
            "moves": pack.add(said.moves, "f4"),
            "flips": pack.add(np.where(said.asked, said.flips, NOT_ASKED), "u1"),
            "follows": pack.add(_of_three(editarrays.follows(said)), "u1"),
            "costs": pack.add(editarrays.costs(said), "f4"),
        }

    records = [
        pack.entry(one(*pair))
        for series, stored in reader.tensors(run, tags)
        for pair in unpacked(series, stored, record.unpack_edits, problems)
    ]
    header = {"run": run, "probe": probe, "asked": asked.all, "records": records}
    return pack.finish({**header, "problems": problems})


def answer_one(reader: ProviderReader, run: str, probe: str, name: str) -> bytes | None:
    """What was said of each image, whole and with one edit; None where that was not asked."""
    pack, problems = Pack(), Problems()
    tags = only(reader.of_probe(run, probe, blobs=False), Kind.EDITS, None)
    asked = Listed(pack)

    def one(stored: Stored, said: record.Edits) -> dict[str, Any] | None:
        names = [edit.name for edit in said.edits]
        if name not in names:
            return None
        at = names.index(name)
        return {
            "step": exact(stored.step),
            "asked": asked.place(asked_of(said)),
            "heads": pack.add([image.head for image in said.images], "f4"),
            "predicted": pack.add(np.where(said.asked[at], said.predicted[at], np.nan), "f4"),
            "whole": pack.add(said.whole, "f4"),
            "edited": pack.add(said.edited[at], "f4"),
        }

    records = [
        pack.entry(entry)
        for series, stored in reader.tensors(run, tags)
        for pair in unpacked(series, stored, record.unpack_edits, problems)
        if (entry := one(*pair)) is not None
    ]
    if not records:
        return None
    header = {"run": run, "probe": probe, "edit": name, "asked": asked.all, "records": records}
    return pack.finish({**header, "problems": problems})


def examples(reader: ProviderReader, run: str, probe: str) -> bytes:
    """Some of a probe's images as their edits make them; of each the newest that can be read."""
    pack, problems = Pack(), Problems()
    newest = {
        series.image: said
        for series, stored in reader.tensors(
            run, only(reader.of_probe(run, probe, blobs=False), Kind.EXAMPLE, None)
        )
        for _, said in unpacked(series, stored, record.unpack_example, problems)
    }
    images = [
        {
            "image": index,
            "hash": said.input_hash.hex(),
            "whole": pack.add(said.whole, "u1"),
            "donor": None if said.donor is None else pack.add(said.donor, "u1"),
            "edited": [
                {"edit": name, "png": pack.add(png, "u1")} for name, png in said.edited.items()
            ],
        }
        for index, said in sorted(newest.items())
    ]
    return pack.finish({"run": run, "probe": probe, "images": images, "problems": problems})


def _of_three(follows: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Yes, no, or `NOT_ASKED`."""
    return np.where(np.isnan(follows), NOT_ASKED, follows).astype(np.uint8)
