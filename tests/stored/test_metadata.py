"""What a series is survives scopes, slashes and any script."""

import pytest
from tensorboard.compat.proto import summary_pb2

from tensorboard_picasso.stored import metadata, record_pb2
from tensorboard_picasso.stored.metadata import WHOLE_PROBE, Kind, Series


@pytest.mark.parametrize("kind", list(Kind))
def test_plugin_data_comes_back(kind):
    label = "occlusion grey" if kind in (Kind.METHOD, Kind.MAP) else ""
    series = Series("scope/пробa 1/x", 3, kind, "occlusion" if label else "", label)
    summary = series.summary_metadata()
    assert metadata.parse(summary.plugin_data.content) == series
    assert summary.plugin_data.plugin_name == "picasso"
    blobs = summary_pb2.DATA_CLASS_BLOB_SEQUENCE
    expected = blobs if kind is Kind.MAP else summary_pb2.DATA_CLASS_TENSOR
    assert summary.data_class == expected


@pytest.mark.parametrize(("group", "name"), [(WHOLE_PROBE, ""), (0, "a/b"), (7, "семь")])
def test_the_group_of_a_mean_comes_back(group, name):
    series = Series("digits", 0, Kind.MEAN, "occlusion", "grey", group, name)
    assert metadata.parse(series.summary_metadata().plugin_data.content) == series


def test_tags_are_for_people():
    assert Series("digits", 0, Kind.MEAN, "occlusion", "grey").tag == "digits/mean/grey"
    of_class = Series("digits", 0, Kind.MEAN, "occlusion", "grey", 7, "seven")
    assert of_class.tag == "digits/mean of seven/grey"
    in_group = Series("digits", 0, Kind.GROUP_MEAN, "occlusion", "grey", group_name="seven")
    assert in_group.tag == "digits/mean in seven/grey"
    assert metadata.parse(in_group.summary_metadata().plugin_data.content) == in_group
    assert Series("a/digits", 3, Kind.SCORES).tag == "a/digits/03/scores"
    assert Series("digits", 3, Kind.MAP, "saliency", "s").tag == "digits/03/s/map"


def test_names_that_json_escapes_are_escaped_in_tags_without_collisions():
    assert Series('say "7"\n', 0, Kind.MAP, "saliency", "a\\b").tag == "say %227%22%0A/00/a%5Cb/map"
    assert Series("100 % é 'x'", 0, Kind.SCORES).tag == "100 % é 'x'/00/scores"
    parts = ('"', "%22", "%2522", "%", "2", "%2", "\\", "%5C", "%5c", "\x1f", "%1F", "25")
    names = {a + b + c for a in parts for b in parts for c in parts}
    assert len({Series(name, 0, Kind.SCORES).tag for name in names}) == len(names)


def test_newer_and_malformed_data_are_told_apart():
    newer = record_pb2.Series(version=9, probe="x").SerializeToString()
    with pytest.raises(metadata.SeriesError, match="format 9"):
        metadata.parse(newer)
    for content in (b"\xff\xff", b"", record_pb2.Series(version=1, probe="x").SerializeToString()):
        with pytest.raises(metadata.SeriesError, match="cannot be read"):
            metadata.parse(content)
