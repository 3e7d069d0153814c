"""Remarks on what of the steps of runs is not there, as it was read; kept for the index."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from tensorboard_picasso.logs import history
from tensorboard_picasso.logs.bounds import TooLargeError
from tensorboard_picasso.logs.lists import Mark
from tensorboard_picasso.logs.provider import ProviderReader
from tensorboard_picasso.logs.records import Problems, Stored, unpacked
from tensorboard_picasso.logs.scores import KINDS, first_scores, unpacker
from tensorboard_picasso.stored.metadata import Kind, Series

# Seconds for which one answer goes on reading beside what did not change.
SECONDS = 2.0

Newest = list[Mark]


def of_probe(
    lost: Mapping[Series, Sequence[Stored]],
    read: Sequence[history.Numbered],
    whole: bool,
    samples: int | None,
) -> list[str]:
    """What of an image's scores is not there, in sentences.

    lost: what was superseded of each of the series that hold them.
    whole: whether all records could be read; else nothing can be counted.
    """
    stored = [each for records in lost.values() for each in records]
    dropped = [
        each
        for series, records in lost.items()
        for each in unpacked(series, records, unpacker(series), Problems())
    ]
    told = history.rewritten(stored) or history.resumed(read)
    counted = history.missing(read, dropped, samples) if whole else ""
    return [text for text in (told, counted) if text]


class Remarks:
    """Of each run and probe, by the scores of its first image.

    To read all runs for each index would take minutes where there are hundreds, so what was
    read is kept until a series has a newer record, and an index reads when it is asked to.
    """

    def __init__(self, samples: int | None) -> None:
        """samples: how many steps of a series TensorBoard keeps, 0: all; None: not known."""
        self.samples = samples
        self._known: dict[tuple[str, str, str], tuple[Newest, list[str]]] = {}

    def note(
        self, reader: ProviderReader, run: str, told: Sequence[Series], texts: Iterable[str]
    ) -> None:
        """Keep what was said of a probe, by the series that tell it."""
        key = reader.experiment, run, told[0].probe
        self._known[key] = [reader.newest(run, each) for each in told], list(texts)

    def listed(
        self, reader: ProviderReader, by_run: Mapping[str, Mapping[Series, str]], read: bool
    ) -> tuple[list[dict[str, str]], int]:
        """The remarks on all runs as problems, and how many probes of runs are still to be read.

        read: whether to read them, for a while; else what is known is told.
        """
        problems, unread = [], 0
        until = time.monotonic() + SECONDS
        for run, tags in sorted(by_run.items()):
            for probe in sorted({each.probe for each in tags if each.kind in KINDS}):
                told = first_scores(tags, probe)
                at, texts = self._known.get((reader.experiment, run, probe), (None, []))
                if at != [reader.newest(run, each) for each in told]:
                    if read:
                        texts = self._read(reader, run, {each: tags[each] for each in told})
                        read = time.monotonic() < until
                    else:
                        unread += 1
                for text in texts:
                    problems.append(
                        {"run": run, "tag": tags[told[-1]], "problem": "steps", "message": text}
                    )
        return problems, unread

    def _read(self, reader: ProviderReader, run: str, tags: Mapping[Series, str]) -> list[str]:
        count = Counted(reader, run, tags, self)
        try:
            for series, stored in reader.tensors(run, tags):
                count.begin(series, stored)
                for at, said in unpacked(series, stored, unpacker(series), Problems()):
                    count.take(series, at, said)
        except TooLargeError as e:
            texts = [str(e)]  # one run's is no reason to list none
            self.note(reader, run, list(tags), texts)
        else:
            texts = count.remarks()
        return texts


class Counted:
    """The records of scores of a probe as they are read, for what is to be said of them.

    Of several images the sentences are mostly the same.
    """

    def __init__(
        self, reader: ProviderReader, run: str, tags: Iterable[Series], known: Remarks
    ) -> None:
        """known: learns what is said, where the series that tell it are read."""
        self._reader, self._run, self._known = reader, run, known
        self._told = first_scores(tags)
        self._read: dict[Series, list[tuple[Stored, history.Numbers]]] = {}
        self._whole: dict[Series, int] = {}
        self._lost: dict[Series, Sequence[Stored]] = {}

    def begin(self, series: Series, stored: Sequence[Stored]) -> None:
        """A series is about to be read."""
        self._read[series] = []
        self._whole[series] = len(stored)
        self._lost[series] = self._reader.dropped(self._run, series)

    def take(self, series: Series, at: Stored, scores: history.Counted) -> None:
        """A record of it could be read; nothing of it is kept but its numbers."""
        self._read[series].append((replace(at, data=None), history.Numbers.of(scores)))

    def remarks(self) -> list[str]:
        """What is not there, in sentences."""
        images = [each for each in self._read if each.kind is Kind.SCORES]
        of_all = [each for each in self._read if each.kind is Kind.ALL_SCORES]
        said: dict[str, None] = {}
        for parts in [[each, *of_all] for each in images] or [of_all]:
            read = sorted(
                (pair for each in parts for pair in self._read[each]), key=lambda pair: pair[0].step
            )
            whole = all(len(self._read[each]) == self._whole[each] for each in parts)
            lost = {each: self._lost[each] for each in parts}
            texts = of_probe(lost, read, whole, self._known.samples)
            if parts and parts == self._told:
                self._known.note(self._reader, self._run, parts, texts)
            said.update(dict.fromkeys(texts))
        return list(said)
