"""The reader of event files themselves: every logged step, not TensorBoard's sample of them.

A scan notes where each record stands; what is wanted is then read from there,
so that a long log does not have to fit into memory. `EventReader` offers what
`provider.ProviderReader` offers, and the rest of the export works on either.
"""

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from google.protobuf.message import DecodeError
from tensorboard.compat.proto import event_pb2

from tensorboard_picasso.logs import history
from tensorboard_picasso.logs.errors import ExportError, NotThereError
from tensorboard_picasso.logs.records import Elements, Stored, opened
from tensorboard_picasso.logs.remote import Remote, is_remote
from tensorboard_picasso.logs.scores import KINDS, beside, first_scores, unpacker
from tensorboard_picasso.logs.tensors import Content, strings
from tensorboard_picasso.stored import metadata, record, unparsed
from tensorboard_picasso.stored.frames import DamagedError, frames
from tensorboard_picasso.stored.metadata import PLUGIN_NAME, Series

# Bytes of records that are read at once, and the most that one event may hold.
GROUP = 64 << 20
MAX_EVENT = 1 << 28
# Where each record stands is kept: of what is smaller than any record, and of series, so many.
SMALL, MAX_SMALL = 64, 1 << 16
MAX_SERIES = 1 << 18

T = TypeVar("T")
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: the event's file, first byte and length, its own index in it and size."""

    path: Path
    start: int
    length: int
    index: int
    size: int

    def string(self) -> bytes:
        """The bytes of a record of one string, read now; raises as `strings`."""
        with self.path.open("rb") as file:
            file.seek(self.start)
            event = event_pb2.Event.FromString(file.read(self.length))
        return strings(event.summary.value[self.index].tensor, 0)[0]


def run_files(logdir: Path, warn: Callable[[str], None]) -> dict[str, list[str]]:
    """Event files of each run, in the order of their names; runs' names as TensorBoard's.

    What is called as one and is none, as a pipe, is told: to open it may never end.
    """
    by_run = {}
    for folder, inner, names in os.walk(logdir, followlinks=True):
        # A link to where it lies in itself has no end.
        real = os.path.realpath(folder)
        inner[:] = [each for each in inner if not _holds(os.path.join(folder, each), real)]
        called = sorted(os.path.join(folder, name) for name in names if "tfevents" in name)
        files = [name for name in called if os.path.isfile(name)]
        for name in called:
            if not os.path.isfile(name):
                warn(f"{name}: no file that can be read: skipped")
        if files:
            by_run[os.path.relpath(folder, logdir)] = files
    return dict(sorted(by_run.items()))


def _holds(folder: str, real: str) -> bool:
    """Whether a link leads to a folder, or to one that it lies in."""
    if not os.path.islink(folder):
        return False
    target = os.path.realpath(folder)
    return os.path.commonpath([target, real]) == target


class EventReader:
    """All reads of one export; a run is scanned when it is first asked for."""

    def __init__(
        self,
        logdir: str | Path,
        warn: Callable[[str], None],
        progress: Progress = lambda done, total: None,
    ) -> None:
        """Read a log directory.

        warn: told what cannot be read. progress: told bytes scanned and to scan.

        Raises:
          ExportError: there is no such directory, or nothing here reads it.
        """
        self._remote = Remote(str(logdir)) if is_remote(str(logdir)) else None
        if self._remote is not None:
            self._files = self._remote.run_files()
        elif Path(logdir).is_dir():
            self._files = run_files(Path(logdir), warn)
        else:
            raise ExportError(f"no directory {logdir}: give that which tensorboard --logdir shows")
        self._warn = warn
        self._progress = progress
        self._count = 0  # of series, also such as cannot be read
        self._scanned: dict[str, dict[Series, list[Stored]]] = {}
        self._tags: dict[str, dict[Series, str]] = {}

    @property
    def runs(self) -> list[str]:
        """All runs, with or without a probe."""
        return list(self._files)

    def scan(self, runs: Sequence[str]) -> None:
        """Scan runs that were not scanned yet, as one piece of work.

        Raises:
          ExportError: a file that is not on this machine cannot be read.
        """
        fresh = [run for run in runs if run not in self._scanned]
        copy = Path if self._remote is None else self._remote.copy
        paths = {name: copy(name) for run in fresh for name in self._files[run]}
        sizes = {name: self._size(name, path) for name, path in paths.items()}
        done = 0
        for run in fresh:
            files: list[dict[Series, list[Stored]]] = []
            named: dict[str, Series | None] = {}
            for name in self._files[run]:
                files.append({})
                for at in self._scan_file(name, paths[name], sizes[name], named, files[-1]):
                    self._progress(done + at, sum(sizes.values()))
                done += sizes[name]
                self._progress(done, sum(sizes.values()))
            all_series = {series for each in files for series in each}
            self._scanned[run] = {}
            for probe in sorted({series.probe for series in all_series}):
                of_probe = {series for series in all_series if series.probe == probe}
                self._settle(run, probe, of_probe, files)
            self._tags[run] = {series: tag for tag, series in named.items() if series in all_series}

    def _size(self, name: str, path: Path) -> int:
        """Bytes of a file; 0 where it cannot be read, which is told."""
        try:
            with path.open("rb") as file:
                return os.fstat(file.fileno()).st_size
        except OSError as e:
            self._warn(f"{name}: {e.strerror}: skipped")
            return 0

    def _settle(
        self,
        run: str,
        probe: str,
        all_series: Collection[Series],
        files: Sequence[Mapping[Series, list[Stored]]],
    ) -> None:
        """Keep of the series of a probe what stands, and say what does not."""
        numbers = [
            number for number, file in enumerate(files) if not file.keys().isdisjoint(all_series)
        ]
        held = [
            {series: files[number][series] for series in all_series if series in files[number]}
            for number in numbers
        ]
        order = history.FileOrder.of([self._span(file, len(held) > 1) for file in held])
        dropped: dict[tuple[int, float], Stored] = {}  # one event holds many series
        for series in all_series:
            other = beside(series, all_series) if series.kind in KINDS else None
            # Scores that are stored the other way may supersede these, and be superseded by them.
            also = [file.get(other, []) if other else [] for file in held]
            others = {id(at) for each in also for at in each}
            those = [
                sorted([*file.get(series, []), *each], key=lambda at: at.data.start)
                for file, each in zip(held, also, strict=True)
            ]
            left, lost = history.settled(those, order)
            self._scanned[run][series] = [at for at in left if id(at) not in others]
            dropped.update({(at.step, at.wall): at for at in lost})
        if text := history.rewritten(dropped.values()):
            self._warn(f'run "{run}", probe "{probe}": {text}')
        if order.unsure:
            names = [os.path.basename(self._files[run][numbers[each]]) for each in order.unsure]
            self._warn(
                f'run "{run}", probe "{probe}": only their names tell which of these files is newer:'
                f" {', '.join(names)}"
            )

    def _span(self, held: Mapping[Series, list[Stored]], several: bool) -> history.Span:
        """What a file holds of a probe; where it is one of several, with what its scores say."""
        steps = [each.step for stored in held.values() for each in stored]
        first, last, since, numbers = min(steps), max(steps), min(steps), (0, 0)
        scores = first_scores(held)
        if scores and several:
            stored = held[scores[0]]
            try:
                ends = [stored[0], stored[-1]]
                one, other = (
                    opened(replace(at, data=text), unpacker(scores[0]))
                    for at, text in zip(ends, self.texts(ends), strict=True)
                )
            except record.RecordError:
                pass  # who reads the series says so
            else:
                if one.nth:
                    since = one.since
                if one.since == other.since:
                    numbers = one.nth, other.nth
        return history.Span(first, last, since, numbers)

    def _scan_file(
        self,
        name: str,
        path: Path,
        size: int,
        named: dict[str, Series | None],
        stored: dict[Series, list[Stored]],
    ) -> Iterator[int]:
        """Note the records of one file; yields the bytes that are behind."""
        if not size:
            return
        small = 0
        with path.open("rb") as file:
            # The checksum over an event is not computed: in Python that takes a second for 8 MB.
            # Each of our records carries one of its own, by which a flipped byte costs that record
            # and no other, as under TensorBoard's default loader.
            try:
                for start, end in frames(file, size):
                    if end - start > MAX_EVENT:
                        self._warn(f"{name}: the event at byte {start} is too large: skipped")
                        continue
                    file.seek(start)
                    try:
                        data = file.read(end - start)
                        unparsed.check(data, event_pb2.Event)
                        event = event_pb2.Event.FromString(data)
                    except DecodeError as e:
                        what = str(e) if isinstance(e, unparsed.PartsError) else "damaged"
                        self._warn(f"{name}: the event at byte {start} is {what}: skipped")
                        continue
                    step, wall = event.step, event.wall_time
                    for index, value in enumerate(event.summary.value):
                        series = self._series(name, value, named)
                        if series is not None:
                            place = Place(path, start, end - start, index, value.ByteSize())
                            small += place.size < SMALL
                            if small > MAX_SMALL:
                                raise DamagedError(
                                    f"more than {MAX_SMALL:,} values that are no records: the rest"
                                    " of the file is left out"
                                )
                            stored.setdefault(series, []).append(Stored(step, wall, place))
                    yield start
            except DamagedError as e:
                self._warn(f"{name}: {e}")

    def _series(self, name: str, value: Any, named: dict[str, Series | None]) -> Series | None:
        """What a value's tag is; like TensorBoard, from the first metadata of the tag.

        Raises:
          DamagedError: it is one of more than any log has.
        """
        if value.tag not in named and value.metadata.plugin_data.plugin_name == PLUGIN_NAME:
            self._count += 1
            if self._count > MAX_SERIES:
                raise DamagedError(
                    f"more than {MAX_SERIES:,} series: the rest of the file is left out"
                )
            try:
                named[value.tag] = metadata.parse(value.metadata.plugin_data.content)
            except metadata.SeriesError as e:
                self._warn(f"{name}: tag {value.tag!r}: {e}: skipped")
                named[value.tag] = None
        return named.get(value.tag)

    def of_run(self, run: str) -> dict[Series, str]:
        """The series of a run with their tags; empty where it holds no probe."""
        self.scan([run])
        return self._tags[run]

    def of_probe(self, run: str, probe: str) -> dict[Series, str]:
        """The same of one probe.

        Raises:
          NotThereError: there is no such run.
        """
        if run not in self._files:
            raise NotThereError(f'no run "{run}"')
        return {each: tag for each, tag in self.of_run(run).items() if each.probe == probe}

    def steps(self, run: str, series: Series) -> list[int]:
        """The steps of a series, superseded ones left out."""
        return [each.step for each in self._scanned[run][series]]

    def tensors(
        self, run: str, tags: Mapping[Series, str]
    ) -> Iterator[tuple[Series, list[Stored]]]:
        """The records of tensor series, ascending in step, superseded ones dropped.

        An event holds several series: as many are read at once as fit into memory. The records
        of one that does not are each read when they are wanted.
        """
        group: dict[Series, list[Stored]] = {}
        size = 0
        for series, stored in self.blobs(run, tags).items():
            more = sum(each.data.size for each in stored)
            if group and size + more > GROUP:
                yield from self._texts_of(group)
                group, size = {}, 0
            if more > GROUP:
                yield series, stored
                continue
            group[series] = stored
            size += more
        yield from self._texts_of(group)

    def _texts_of(
        self, group: Mapping[Series, Sequence[Stored]]
    ) -> Iterator[tuple[Series, list[Stored]]]:
        texts = iter(self.texts([each for stored in group.values() for each in stored]))
        for series, stored in group.items():
            yield series, [replace(each, data=next(texts)) for each in stored]

    def blobs(self, run: str, tags: Mapping[Series, str]) -> dict[Series, list[Stored]]:
        """Where the records of series are; `contents` takes them."""
        self.scan([run])
        return {series: self._scanned[run].get(series, []) for series in tags}

    def contents(self, wanted: Sequence[Stored]) -> Iterator[Elements]:
        """The blobs of records of `blobs`."""
        for stored in wanted:
            yield from self._read([stored], lambda tensor: strings(tensor, 1))

    def texts(self, wanted: Sequence[Stored]) -> list[Content]:
        """The bytes of records of `blobs` that are tensors, or why there are none."""
        return self._read(wanted, lambda tensor: strings(tensor, 0)[0])

    def _read(
        self, wanted: Sequence[Stored], held: Callable[[Any], T]
    ) -> list[T | record.RecordError]:
        """What tensors hold. One event holds many images: each is read once."""
        result: list[T | record.RecordError] = [record.RecordError("not read") for _ in wanted]
        places = sorted(
            (stored.data.path, stored.data.start, number) for number, stored in enumerate(wanted)
        )
        path, event, at = None, event_pb2.Event(), -1
        file: BinaryIO | None = None
        try:
            for where, start, number in places:
                place = wanted[number].data
                if where != path:
                    if file is not None:
                        file.close()
                    path, at, file = where, -1, where.open("rb")
                if start != at and file is not None:
                    file.seek(start)
                    event = event_pb2.Event.FromString(file.read(place.length))
                    at = start
                try:
                    result[number] = held(event.summary.value[place.index].tensor)
                except record.RecordError as e:
                    result[number] = e
        finally:
            if file is not None:
                file.close()
        return result
