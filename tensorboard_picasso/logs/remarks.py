"""Remarks on what of the steps of runs is not there, as it was read; kept for the index."""

from collections.abc import Iterable, Mapping, Sequence

from tensorboard_picasso.logs import history
from tensorboard_picasso.logs.bounds import TooLargeError
from tensorboard_picasso.logs.provider import ProviderReader
from tensorboard_picasso.logs.records import Problems, Stored, unpacked
from tensorboard_picasso.stored import record
from tensorboard_picasso.stored.metadata import Kind, Series

# Series that one answer reads beside those that did not change: each takes some 50 ms.
FRESH = 4

Newest = tuple[int, float]


def of_series(
    reader: ProviderReader,
    run: str,
    series: Series,
    read: Sequence[tuple[Stored, record.Scores]],
    whole: bool,
    samples: int | None,
) -> list[str]:
    """What of a series of scores is not there, in sentences.

    whole: whether all of its records could be read; else nothing can be counted.
    """
    stored = reader.dropped(run, series)
    dropped = list(unpacked(series, stored, record.unpack_scores, Problems()))
    told = history.rewritten(stored) or history.resumed(read)
    counted = history.missing(read, dropped, samples) if whole else ""
    return [text for text in (told, counted) if text]


class Remarks:
    """Of each run and probe, by the scores of its first image.

    To read all runs for each index would take minutes where there are hundreds, so what was
    read is kept until a series has a newer record, and few are read for one answer.
    """

    def __init__(self, samples: int | None) -> None:
        """samples: how many steps of a series TensorBoard keeps, 0: all; None: not known."""
        self.samples = samples
        self._known: dict[tuple[str, str, str], tuple[Newest, list[str]]] = {}

    def note(self, reader: ProviderReader, run: str, series: Series, texts: Iterable[str]) -> None:
        """Keep what was said of a series that was read."""
        key = reader.experiment, run, series.probe
        self._known[key] = reader.newest(run, series), list(texts)

    def listed(
        self, reader: ProviderReader, by_run: Mapping[str, Mapping[Series, str]]
    ) -> tuple[list[dict[str, str]], int]:
        """The remarks on all runs as problems, and how many probes of runs are still to be read."""
        problems, fresh, unread = [], FRESH, 0
        for run, tags in sorted(by_run.items()):
            for series in _first(tags):
                key = reader.experiment, run, series.probe
                at, texts = self._known.get(key, (None, []))
                if at != reader.newest(run, series):
                    if fresh:
                        fresh -= 1
                        texts = self._read(reader, run, series, tags[series])
                    else:
                        unread += 1
                for text in texts:
                    problems.append(
                        {"run": run, "tag": tags[series], "problem": "steps", "message": text}
                    )
        return problems, unread

    def _read(self, reader: ProviderReader, run: str, series: Series, tag: str) -> list[str]:
        try:
            ((_, stored),) = reader.tensors(run, {series: tag})
        except TooLargeError as e:
            texts = [str(e)]  # one run's is no reason to list none
        else:
            read = list(unpacked(series, stored, record.unpack_scores, Problems()))
            texts = of_series(reader, run, series, read, len(read) == len(stored), self.samples)
        self.note(reader, run, series, texts)
        return texts


def _first(tags: Iterable[Series]) -> list[Series]:
    """The scores of each probe's first image."""
    first: dict[str, Series] = {}
    for series in sorted(tags):
        if series.kind is Kind.SCORES:
            first.setdefault(series.probe, series)
    return list(first.values())
