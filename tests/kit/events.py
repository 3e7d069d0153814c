"""Reads event files in tests, without TensorFlow."""

from pathlib import Path

from tensorboard.backend.event_processing import event_file_loader

from tensorboard_picasso import summary
from tensorboard_picasso.stored import metadata, record
from tensorboard_picasso.stored.metadata import Kind, Series

UNPACK = {
    Kind.SCORES: record.unpack_scores,
    Kind.METHOD: record.unpack_attribution,
    Kind.INPUT: record.unpack_input,
    Kind.MEAN: record.unpack_mean,
    Kind.GROUP_MEAN: record.unpack_mean,
    Kind.EDITS: record.unpack_edits,
    Kind.EXAMPLE: record.unpack_example,
}


def values(directory: Path) -> list[tuple[int, object]]:
    """(step, summary value) of all event files below a directory, in order.

    Waits for what this process has still to write, as who reads during training must.
    """
    summary.flush()
    found = []
    for path in sorted(directory.rglob("*tfevents*")):
        for event in event_file_loader.EventFileLoader(str(path)).Load():
            found += [(event.step, value) for value in event.summary.value]
    return found


def records(directory: Path) -> dict[tuple[int, Series], object]:
    """Every record by step and series; scores by image, however they are stored."""
    found = {}
    for step, value in values(directory):
        if value.metadata.plugin_data.plugin_name != "picasso":
            continue
        series = metadata.parse(value.metadata.plugin_data.content)
        elements = list(value.tensor.string_val)
        unpack = UNPACK.get(series.kind)
        if series.kind is Kind.ALL_SCORES:
            for image, said in record.unpack_all_scores(elements[0]).items():
                found[step, Series(series.probe, image, Kind.SCORES)] = said
            continue
        found[step, series] = unpack(elements[0]) if unpack else record.unpack_maps(elements)
    return found


def logged(directory: Path, kind: Kind, image: int, label: str = "") -> object:
    """The newest record of one series of an image."""
    found = {
        step: each
        for (step, series), each in records(directory).items()
        if (series.kind, series.image, series.label) == (kind, image, label)
    }
    return found[max(found)]


def scalars(directory: Path) -> dict[tuple[int, str], float]:
    """Every ordinary scalar by step and tag."""
    return {
        (step, value.tag): value.tensor.float_val[0]
        for step, value in values(directory)
        if value.metadata.plugin_data.plugin_name == "scalars" and value.tensor.float_val
    }


def whole_scores(directory: Path) -> dict[int, list[float]]:
    """The scores of image 0 at every step."""
    return {
        step: said.values.tolist()
        for (step, series), said in records(directory).items()
        if series.kind is Kind.SCORES and series.image == 0
    }
