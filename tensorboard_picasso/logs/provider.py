"""The reader of series through TensorBoard's data provider, whichever loader is behind it."""

import math
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType
from typing import Any, NamedTuple

from tensorboard import errors
from tensorboard.data import provider
from tensorboard.plugins.scalar import metadata as scalar_metadata

from tensorboard_picasso.logs import history, tensors
from tensorboard_picasso.logs.lists import Listed, Lists, Mark
from tensorboard_picasso.logs.records import Elements, Problems, RefusedError, Stored, unpacked
from tensorboard_picasso.logs.scores import KINDS, beside, first_scores, unpacker
from tensorboard_picasso.logs.tensors import Datum
from tensorboard_picasso.stored import metadata, record
from tensorboard_picasso.stored.metadata import PLUGIN_NAME, Kind, Series

# Each small read of a blob waits on the data server: read several at once.
BLOB_READERS = 8
# Larger blobs one record at a time.
SMALL = 4 << 20
# TensorBoard's loader fails where one reply is over 256 MiB. How large a series
# is shows only when it is read; the others of a group may be four times larger.
REPLY = 64 << 20
# Images that are read at first: a reply takes some 40 ms, however small it is.
INPUTS = 16


class Written(NamedTuple):
    """Which process wrote the event of a step and wall time, and their order; None: not known.

    scores: the events of each series of scores that this was told by.
    """

    order: history.FileOrder | None = None
    of: Mapping[tuple[int, float], int] = MappingProxyType({})
    scores: Mapping[Series, Sequence[Stored]] = MappingProxyType({})


class ProviderReader:
    """All reads of one request."""

    def __init__(
        self,
        source: provider.DataProvider,
        context: Any,
        experiment: str,
        multiplexer: Any = None,
        lists: Lists | None = None,
    ) -> None:
        """Read one experiment.

        lists: what earlier requests listed; None: lists anew.

        multiplexer: what stands behind the Python loader's provider, None
          behind the default loader; only `blobs` needs it.
        """
        self._source = source
        self._multiplexer = multiplexer
        self._where = {"experiment_id": experiment, "plugin_name": PLUGIN_NAME}
        self._scalars = {**self._where, "plugin_name": scalar_metadata.PLUGIN_NAME}
        self._context = context
        self._dropped: dict[tuple[str, Series], list[Stored]] = {}
        self._lists = lists
        self._listing: dict[str, Listed] = {}
        self._written: dict[tuple[str, str | None], Written] = {}
        self.experiment = experiment

    def dropped(self, run: str, series: Series) -> list[Stored]:
        """Of a series that was read, the records that newer ones superseded.

        TensorBoard's default loader drops them itself, and says nothing of them.
        """
        return self._dropped.get((run, series), [])

    def newest(self, run: str, series: Series) -> Mark:
        """Of a series that was listed, what tells of its last record: another one tells of more."""
        return self._listing[run].marks[series]

    def state(self, run: str) -> frozenset[tuple[Series, Mark]]:
        """What tells of the last record of each series of tensors of a run: another one of newer ones."""
        tags = self._of_run(run, blobs=False)
        return frozenset((of, self._listing[run].marks[of]) for of in tags)

    def _of_run(self, run: str, blobs: bool) -> Mapping[Series, str]:
        """The series of a run with their tags, listed once for a request."""
        if run not in self._listing and self._lists is not None:
            known = self._lists.find(self.experiment, run)
            if known is not None:
                self._listing[run] = known
        if run not in self._listing or (blobs and not self._listing[run].blobs):
            self.series([run], blobs)
        tags, _, whole = self._listing[run]
        if blobs or not whole:
            return tags
        return {of: tag for of, tag in tags.items() if of.kind is not Kind.MAP}

    def _left(self, run: str, series: Series, stored: Iterable[Stored]) -> list[Stored]:
        own, also = list(stored), self._beside(run, series)
        if not also:
            kept, dropped = self._settled(run, own, series.probe)
        else:
            # What is stored the other way may supersede these, and is superseded by them.
            left, gone = self._joined(run, series, own, also)
            others = set(map(id, also))
            kept, dropped = ([e for e in each if id(e) not in others] for each in (left, gone))
        self._dropped[run, series] = dropped
        return kept

    def _beside(self, run: str, series: Series) -> Sequence[Stored]:
        """Of a series of scores, events of the one that holds scores the other way."""
        other = beside(series, self._of_run(run, False)) if series.kind in KINDS else None
        return () if other is None else self._processes(run, series.probe).scores.get(other, ())

    def _settled(
        self, run: str, records: Sequence[Stored], probe: str | None = None
    ) -> tuple[list[Stored], list[Stored]]:
        """What is left of a series, and what is not; probe: whose scores tell of processes."""
        # Both loaders give records in the order of the files' names, the default one ascending.
        if any(one.step >= other.step for one, other in pairwise(records)):
            order, of, _ = self._processes(run, probe)
            if order is not None:
                known = [of.get((each.step, each.wall)) for each in records]
                return history.settled(history.parted(records, known, order), order)
        return history.superseded(records)

    def _joined(
        self, run: str, series: Series, own: Sequence[Stored], also: Sequence[Stored]
    ) -> tuple[list[Stored], list[Stored]]:
        """The same of scores that are stored in two ways: of a series, and of that of the other."""
        order, of, scores = self._processes(run, series.probe)
        if order is None:
            return [*own, *also], []
        files: list[list[Stored]] = [[] for _ in order.spans]
        apart: list[Stored] = []
        for stored, same in ((own, True), (also, False)):
            first = (at for each, at in scores.items() if (each.kind is series.kind) is same)
            told = (of.get((at.step, at.wall)) for at in next(first, ()))
            among = sorted({number for number in told if number is not None})
            if not among:
                # What tells of these processes cannot be read: nothing is known to be older, and
                # who reads a record says what it is.
                apart += stored
                continue
            known = [of.get((at.step, at.wall)) for at in stored]
            for number, part in enumerate(history.parted(stored, known, order, among)):
                files[number] += part
        left, gone = history.settled(files, order, began=True)
        held = {at.step for at in left}
        rest, older = history.superseded([at for at in apart if at.step not in held])
        return [*left, *rest], [*gone, *older, *(at for at in apart if at.step in held)]

    def _processes(self, run: str, probe: str | None) -> Written:
        """In which order processes wrote a run, and which of them wrote an event.

        Only the Python loader gives records that do not ascend; under both those of scores that
        are stored in two ways do not, joined.
        """
        if (run, probe) not in self._written:
            tags = self._of_run(run, blobs=False)
            scores = first_scores(tags, probe)
            told = len(scores) > 1 or (bool(scores) and self._multiplexer is not None)
            written = self._numbered(run, {of: tags[of] for of in scores}) if told else Written()
            self._written[run, probe] = written
        return self._written[run, probe]

    def _numbered(self, run: str, tags: Mapping[Series, str]) -> Written:
        read = self._read(run, list(tags.values()))
        held = {of: [Stored(*each) for each in read.get(tag, ())] for of, tag in tags.items()}
        scores: list[list[history.Timed]] = [
            [
                (at, history.Numbers.of(said))
                for at, said in unpacked(of, stored, unpacker(of), Problems())
            ]
            for of, stored in held.items()
        ]
        parts = history.processes(scores[0]) if len(scores) == 1 else history.joined(*scores)
        events = {of: [replace(each, data=None) for each in stored] for of, stored in held.items()}
        if not parts:
            return Written(scores=events)
        order = history.FileOrder.of([history.span(part) for part in parts])
        numbers = {(at.step, at.wall): n for n, part in enumerate(parts) for at, _ in part}
        return Written(order, numbers, events)

    def series(
        self, runs: Sequence[str] | None = None, blobs: bool = True
    ) -> tuple[dict[str, dict[Series, str]], list[dict[str, str]]]:
        """The series of each run with their tags, and what could not be read.

        blobs: whether series of blobs are listed too, beside those of tensors.
        """
        by_run: dict[str, dict[Series, str]] = {}
        marks: dict[str, dict[Series, Mark]] = {}
        problems = []
        began = time.monotonic()
        for answer in self._listed(runs, blobs):
            for run, tags in answer.items():
                for tag, about in tags.items():
                    try:
                        series = metadata.parse(about.plugin_content)
                    except metadata.SeriesError as e:
                        told = {"run": run, "tag": tag, "problem": "series", "message": str(e)}
                        problems.append(told)
                    else:
                        by_run.setdefault(run, {})[series] = tag
                        # NaN would never equal itself.
                        at = getattr(about, "mark", (about.max_step, about.max_wall_time))
                        mark = tuple(0.0 if math.isnan(each) else each for each in at)
                        marks.setdefault(run, {})[series] = mark
        listed = {
            run: Listed(by_run.get(run, {}), marks.get(run, {}), blobs) for run in runs or by_run
        }
        self._listing |= listed
        if self._lists is not None:
            self._lists.put(self.experiment, began, listed)
        return by_run, problems

    def _listed(self, runs: Sequence[str] | None, blobs: bool) -> list[Any]:
        if self._multiplexer is not None:
            classes = tensors.STRINGS if blobs else tensors.STRINGS[:1]
            return [tensors.listed(self._multiplexer, PLUGIN_NAME, classes, runs)]
        chosen = provider.RunTagFilter(runs=runs)
        lists = [self._source.list_tensors]
        if blobs:
            lists.append(self._source.list_blob_sequences)

        def listing(of: Callable[..., Any]) -> Any:
            return of(self._context, run_tag_filter=chosen, **self._where)

        # The data server takes some 40 ms for each, most of it waiting: ask at once.
        with ThreadPoolExecutor(len(lists)) as pool:
            return list(pool.map(listing, lists))

    def of_probe(
        self, run: str, probe: str, images: Collection[int] | None = None, blobs: bool = True
    ) -> dict[Series, str]:
        """The series of one probe in one run, of all its images.

        images: those that the request names, None where it names none.
        blobs: whether series of blobs are listed too, beside those of tensors.

        Raises:
          NotFoundError: there is no such run or probe, or not all those images.
        """
        tags = self._of_run(run, blobs)
        if not tags:
            raise errors.NotFoundError(f'no run "{run}" with a probe')
        of_probe = {series: tag for series, tag in tags.items() if series.probe == probe}
        if not of_probe:
            raise errors.NotFoundError(f'no probe "{probe}" in run "{run}"')
        unknown = sorted(set(images or ()) - {series.image for series in of_probe})
        if unknown:
            raise errors.NotFoundError(f'no image {unknown[0]} in probe "{probe}" of run "{run}"')
        return of_probe

    def tensors(
        self, run: str, tags: Mapping[Series, str]
    ) -> Iterator[tuple[Series, list[Stored]]]:
        """The records of tensor series, ascending in step, superseded ones dropped.

        Read in groups that fit into a reply: the first series alone, or several where each has
        few records, then as many as fit if they are as large as the largest so far. No more than
        one group is held.
        """
        rest = list(tags.items())
        largest, room = 1, INPUTS if all(each.kind is Kind.INPUT for each in tags) else 1
        while rest:
            group, rest = dict(rest[:room]), rest[room:]
            read = self._read(run, list(group.values()))
            self._dropped.clear()
            for series, tag in group.items():
                stored = [Stored(*each) for each in read.get(tag, ())]
                size = sum(_size(each.data) for each in stored)
                largest = max(largest, size)
                yield series, self._left(run, series, stored)
            room = max(1, REPLY // largest)

    def _read(self, run: str, tags: Sequence[str]) -> Mapping[str, Sequence[Datum]]:
        if self._multiplexer is None:
            return tensors.of_source(self._source, self._context, self._where, run, tags)
        return {
            tag: [
                Datum(event.step, event.wall_time, tensors.Held(event.tensor_proto))
                for event in tensors.of_multiplexer(self._multiplexer, run, tag)
            ]
            for tag in tags
        }

    def blobs(self, run: str, tags: Mapping[Series, str]) -> dict[Series, list[Stored]]:
        """The same of blob series; `data` is what `contents` takes."""
        if not tags:
            return {}
        if self._multiplexer is not None:
            # The Python loader's provider lists the first record of a step and
            # no other: in a resumed run, the one that was superseded.
            return {
                series: self._left(
                    run,
                    series,
                    (
                        Stored(event.step, event.wall_time, event.tensor_proto)
                        for event in tensors.of_multiplexer(self._multiplexer, run, tag)
                    ),
                )
                for series, tag in tags.items()
            }
        read = self._source.read_blob_sequences(
            self._context,
            downsample=tensors.ALL_STEPS,
            run_tag_filter=provider.RunTagFilter(runs=[run], tags=list(tags.values())),
            **self._where,
        ).get(run, {})
        return {
            series: self._left(
                run,
                series,
                (
                    Stored(datum.step, datum.wall_time, [blob.blob_key for blob in datum.values])
                    for datum in read.get(tag, ())
                ),
            )
            for series, tag in tags.items()
        }

    def contents(self, wanted: Sequence[Stored]) -> Iterator[Elements]:
        """The blobs of records of `blobs`, read several at once; None where they are gone."""
        if self._multiplexer is not None:
            yield from map(self._held, wanted)
            return
        with ThreadPoolExecutor(BLOB_READERS) as pool:
            for at in range(0, len(wanted), BLOB_READERS):
                several = wanted[at : at + BLOB_READERS]
                read = pool.map(lambda each: self._content(each, SMALL), several)
                for each, small in zip(several, read, strict=True):
                    refused = isinstance(small, RefusedError)
                    large = isinstance(small, record.RecordError) and not refused
                    yield self._content(each, record.MAX_PLANES) if large else small

    def _held(self, wanted: Stored) -> Elements:
        try:
            return tensors.strings(wanted.data, 1)
        except record.RecordError as e:
            return e

    def _content(self, wanted: Stored, most: int) -> Elements:
        try:
            return tensors.blobs(self._source, self._context, wanted.data, most)
        except record.RecordError as e:
            return e
        except errors.NotFoundError:
            # Sampled away, or its run deleted, since it was listed.
            return None
        except errors.PublicError as e:
            return RefusedError(f"TensorBoard does not give the maps: {e}")

    def scalar_tags(self, runs: Sequence[str]) -> dict[str, list[str]]:
        """The tags of ordinary scalars in each of these runs that has any."""
        if self._multiplexer is not None:
            name = scalar_metadata.PLUGIN_NAME
            by_run = tensors.listed(self._multiplexer, name, tensors.SCALARS, runs)
            return {run: sorted(tags) for run, tags in by_run.items()}
        chosen = provider.RunTagFilter(runs=runs)
        listed = self._source.list_scalars(self._context, run_tag_filter=chosen, **self._scalars)
        return {run: sorted(tags) for run, tags in listed.items() if tags}

    def scalar(self, run: str, tag: str) -> list[Stored]:
        """One series of ordinary scalars, as `tensors`; `data` is the value. Empty: none such."""
        if self._multiplexer is not None:
            stored = list(self._numbers(run, tag))
        else:
            chosen = provider.RunTagFilter(runs=[run], tags=[tag])
            read = self._source.read_scalars(
                self._context, downsample=tensors.ALL_STEPS, run_tag_filter=chosen, **self._scalars
            )
            data = read.get(run, {}).get(tag, ())
            stored = [Stored(each.step, each.wall_time, each.value) for each in data]
        return self._settled(run, stored)[0]

    def _numbers(self, run: str, tag: str) -> Iterator[Stored]:
        """As TensorBoard's default loader gives them: what is no number is left out."""
        if tag not in self.scalar_tags([run]).get(run, ()):
            return
        for event in tensors.of_multiplexer(self._multiplexer, run, tag):
            try:
                value = tensors.number(event.tensor_proto)
            except record.RecordError:
                continue
            yield Stored(event.step, event.wall_time, value)


def _size(data: Any) -> int:
    if isinstance(data, tensors.Held):
        return data.size()
    return len(data) if isinstance(data, bytes) else 0
