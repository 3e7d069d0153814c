"""Edits as they are stored: what goes in comes out, and what is damaged is found."""

import numpy as np
import pytest

from tensorboard_picasso.stored import metadata, record, record_pb2
from tensorboard_picasso.stored.metadata import Kind, Series
from tests.attack.tools import bombs
from tests.kit import logs


def test_edits_come_back():
    given = logs.edits()
    back = record.unpack_edits(record.pack_edits(given))
    for name in ("whole", "edited", "predicted", "moves", "asked", "flips"):
        found, expected = getattr(back, name), getattr(given, name)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
    plain = ("output", "class_count", "edits", "images", "epoch", "nth", "since", "superseded")
    for name in plain:
        assert getattr(back, name) == getattr(given, name)


def test_an_older_reader_is_told_to_update_and_takes_all_else():
    seen = {kind: Series("p", 0, kind).summary_metadata().plugin_data.content for kind in Kind}
    assert {record_pb2.Series.FromString(seen[kind]).version for kind in Kind} == {2, 3}
    assert record_pb2.Series.FromString(seen[Kind.EDITS]).version == 3
    assert metadata.parse(seen[Kind.EDITS]) == Series("p", 0, Kind.EDITS)
    sealed = record_pb2.Sealed.FromString(record.pack_edits(logs.edits()))
    assert sealed.version == 3
    scores = record_pb2.Sealed.FromString(record.pack_scores(logs.scores(np.zeros(2))))
    assert scores.version == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"images": ()},
        {"class_count": 1 << 21},
        {"whole": np.zeros((4, 3))},
        {"edited": np.zeros((3, 5, 2))},
        {"moves": np.zeros((3, 4))},
        {"asked": np.zeros((2, 3), bool)},
        {"predicted": np.full((3, 5), 4)},
        {"epoch": np.nan},
        {"edits": (*logs.EDITS[:2], record.Edit("x", "y", "turned"))},
        {"images": (record.Edited(logs.HASH, (4,), 0),) * 5},
        {"images": (record.Edited(logs.HASH, (0,), 0, donor=5, donor_class=0),) * 5},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_cannot_be_is_refused(changes):
    with pytest.raises(record.RecordError, match="cannot be recorded"):
        record.pack_edits(logs.edits(**changes))


def test_an_example_comes_back():
    for given in (logs.example(), logs.example(donor=None), logs.example(edited={})):
        assert record.unpack_example(record.pack_example(given)) == given


@pytest.mark.parametrize("picture", [bombs.png(257, 8), bombs.png(60_000, 60_000), b"GIF89a"])
@pytest.mark.parametrize("place", ["whole", "donor", "edited"])
def test_an_example_whose_picture_is_large_or_none_is_refused(place, picture):
    with pytest.raises(record.RecordError, match="it cannot be recorded: a picture of an edit is"):
        record.pack_example(
            logs.example(**{place: {"top": picture} if place == "edited" else picture})
        )
