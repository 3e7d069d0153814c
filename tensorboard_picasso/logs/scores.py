"""Scores of a probe's images, whichever way they are stored: of each image in a series, or of all in one.

Up to version 2 of the format each image has a series of its own, since version 3 one record a
step holds all. A run may go on from one in the other: readers settle both together, so that of
an image no step is left in both.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Protocol

from tensorboard_picasso.logs.records import Problems, Stored, unpacked
from tensorboard_picasso.stored import record
from tensorboard_picasso.stored.metadata import Kind, Series

KINDS = (Kind.SCORES, Kind.ALL_SCORES)


class Source(Protocol):
    """What is read from: `provider.ProviderReader` or `events.EventReader`."""

    def tensors(
        self, run: str, tags: Mapping[Series, str]
    ) -> Iterator[tuple[Series, list[Stored]]]:
        """The records of tensor series, ascending in step, superseded ones dropped."""


def unpacker(series: Series) -> Callable[[bytes], record.Scores | record.AllScores]:
    """What unpacks the records of a series of scores."""
    return record.unpack_scores if series.kind is Kind.SCORES else record.unpack_all_scores


def only_scores(
    series: Mapping[Series, str], images: Collection[int] | None = None
) -> dict[Series, str]:
    """The series that hold scores of some images, or of all; those of all images last."""
    return {
        each: tag
        for each, tag in sorted(
            series.items(), key=lambda pair: (pair[0].kind is Kind.ALL_SCORES, pair[0])
        )
        if each.kind in KINDS
        and (each.kind is Kind.ALL_SCORES or images is None or each.image in images)
    }


def first_scores(series: Iterable[Series], probe: str | None = None) -> list[Series]:
    """The series that tell which records of scores a probe has: its first image's and that of all.

    probe: None: the first one that has any.
    """
    held = sorted(each for each in series if each.kind in KINDS and probe in (None, each.probe))
    of_probe = [each for each in held if each.probe == held[0].probe]
    return [
        next(each for each in of_probe if each.kind is kind)
        for kind in KINDS
        if any(each.kind is kind for each in of_probe)
    ]


def beside(series: Series, all_series: Collection[Series]) -> Series | None:
    """Of a series of scores the one that holds the same the other way; None where none does."""
    if series.kind is Kind.SCORES:
        other = Series(series.probe, 0, Kind.ALL_SCORES)
        return other if other in all_series else None
    of_images = (e for e in all_series if e.kind is Kind.SCORES and e.probe == series.probe)
    return min(of_images, default=None)


def scores_of(
    source: Source,
    run: str,
    series: Mapping[Series, str],
    images: Collection[int] | None,
    problems: Problems,
) -> Iterator[tuple[int, Stored, record.Scores]]:
    """Image, place and scores of each record of some images or of all, one at a time, in no order.

    series: of one probe.
    """
    unpacking = record.AllScoresReader()
    for of, stored in source.tensors(run, only_scores(series, images)):
        if of.kind is Kind.SCORES:
            for at, said in unpacked(of, stored, record.unpack_scores, problems):
                yield of.image, at, said
        else:
            for at, several in unpacked(of, stored, unpacking.unpack, problems):
                for image in several:
                    if images is None or image in images:
                        yield image, at, several[image]


def scores_by_image(
    source: Source,
    run: str,
    series: Mapping[Series, str],
    images: Collection[int] | None,
    problems: Problems,
) -> dict[int, list[tuple[Stored, record.Scores]]]:
    """The same by image, ascending in step."""
    by_image: dict[int, list[tuple[Stored, record.Scores]]] = {}
    for image, at, said in scores_of(source, run, series, images, problems):
        by_image.setdefault(image, []).append((at, said))
    for found in by_image.values():
        found.sort(key=lambda pair: pair[0].step)
    return dict(sorted(by_image.items()))
