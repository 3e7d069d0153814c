"""Answers of the routes, as packs; `docs/extending/http_api.md` describes them."""

import math
from collections.abc import Callable, Container, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.logs.family import family
from tensorboard_picasso.logs.provider import ProviderReader
from tensorboard_picasso.logs.records import (
    Problems,
    Stored,
    content,
    means_of,
    named,
    only,
    unpacked,
    unpacked_maps,
)
from tensorboard_picasso.logs.remarks import Counted, Remarks
from tensorboard_picasso.logs.scores import KINDS, only_scores
from tensorboard_picasso.numbers import places
from tensorboard_picasso.numbers.maps import STATISTICS
from tensorboard_picasso.numbers.steps import exact
from tensorboard_picasso.serving import large
from tensorboard_picasso.serving.columns import AttributionColumns, AttributionRow, ScoresColumns
from tensorboard_picasso.serving.entries import (
    LabelMaps,
    Listed,
    maps_of,
    mean_settings_of,
    numbers_of,
    settings_of,
    size_of,
    when,
)
from tensorboard_picasso.serving.pack import Pack
from tensorboard_picasso.stored import record
from tensorboard_picasso.stored.metadata import FORMAT_VERSION, MEANS, Kind, Series
from tensorboard_picasso.version import __version__

# Settings that are told apart without making text of them.
MAX_PLACED = 64
# The steps of a series to those of them that are wanted.
Chosen = Callable[[Sequence[int]], Container[int]]


def index(reader: ProviderReader, known: Remarks, read: bool = False) -> dict[str, Any]:
    """Which runs, probes, images and methods there are.

    known: what was read of the runs' steps. read: whether to read more of them.
    """
    by_run, problems = reader.series()
    # Runs beside each other mostly have the same series, which are then the same objects.
    known_probes: dict[tuple[int, ...], list[dict[str, Any]]] = {}
    runs = []
    for run, series in sorted(by_run.items()):
        key = tuple(map(id, series))
        probes = known_probes.get(key)
        if probes is None:
            probes = known_probes[key] = _probes(series)
        runs.append({"name": run, "probes": probes})
    about = {"version": __version__, "format": FORMAT_VERSION, "samples": known.samples}
    remarks, unread = known.listed(reader, by_run, read)
    return {**about, "runs": runs, "problems": [*problems, *remarks], "unread": unread}


def _probes(series: Iterable[Series]) -> list[dict[str, Any]]:
    """The probes of a run, as the index lists them."""
    probes: dict[str, dict[str, Any]] = {}
    for key in sorted(series):
        probe = probes.setdefault(
            key.probe, {"images": set(), "methods": {}, "scored": False, "edits": False}
        )
        if key.kind not in (*MEANS, Kind.EDITS, Kind.EXAMPLE, Kind.ALL_SCORES):
            probe["images"].add(key.image)
        probe["scored"] |= key.kind in KINDS
        probe["edits"] |= key.kind is Kind.EDITS
        if key.label:
            method = {"label": key.label, "method": key.method, "maps": False, "means": []}
            method = probe["methods"].setdefault(key.label, method)
            method["maps"] |= key.kind is Kind.MAP
            if key.kind in MEANS and named(key.over) not in method["means"]:
                method["means"].append(named(key.over))
    return [
        {
            "name": name,
            "images": sorted(probe["images"]),
            "methods": list(probe["methods"].values()),
            "scored": probe["scored"],
            "edits": probe["edits"],
        }
        for name, probe in probes.items()
    ]


def inputs(
    reader: ProviderReader, run: str, probe: str, images: Sequence[int] | None, room: int = 0
) -> bytes:
    """Names, labels, class names, regions.

    room: bytes of PNGs that the answer may hold; `image` gives the others.
    """
    pack, problems = Pack(), Problems()
    class_names = Listed(pack)

    def png(data: bytes) -> dict[str, Any] | None:
        nonlocal room
        room -= len(data)
        return pack.add(data, "u1") if room >= 0 else None

    def one(stored: Stored, image: tuple[record.Input, record.Bits]) -> dict[str, Any]:
        shown, bits = image
        names = list(shown.class_names)
        return {
            **when(stored, shown.hash),
            "name": shown.name,
            "label": shown.label,
            "source_index": shown.source_index,
            "group": shown.group,
            "labels": shown.labels,
            "class_names": class_names.place(names) if names else None,
            **size_of(shown),
            "png": png(shown.png),
            "display": shown.display,
            "regions": [
                {"name": name, "mask": pack.add(mask, "u1")} for name, mask in bits.regions
            ],
            "unseen": None if bits.unseen is None else pack.add(bits.unseen, "u1"),
        }

    def unpack(data: bytes) -> tuple[record.Input, record.Bits]:
        return record.unpack_shown(data, pack.room.check)

    tags = only(reader.of_probe(run, probe, images, blobs=False), Kind.INPUT, images)
    listed = [
        {
            "image": series.image,
            "records": [
                pack.entry(one(*pair)) for pair in unpacked(series, stored, unpack, problems)
            ],
        }
        for series, stored in reader.tensors(run, tags)
    ]
    header = {"run": run, "probe": probe, "class_names": class_names.all, "images": listed}
    return pack.finish({**header, "problems": problems})


def image(reader: ProviderReader, run: str, probe: str, number: int, digest: str) -> bytes | None:
    """The PNG of one viewed image with this hash, None where it was not kept."""
    tags = only(reader.of_probe(run, probe, [number], blobs=False), Kind.INPUT, [number])
    for series, stored in reader.tensors(run, tags):
        for _, shown in unpacked(series, stored[::-1], record.unpack_picture, Problems()):
            if shown.hash.hex() == digest:
                return shown.png
    return None


def scores(
    reader: ProviderReader, run: str, probe: str, images: Sequence[int] | None, known: Remarks
) -> bytes:
    """Class scores of all kept steps; what is not there is noted in `known`."""
    pack, problems = Pack(), Problems()
    columns, unpacking = ScoresColumns(pack), record.AllScoresReader()
    tags = reader.of_probe(run, probe, images, blobs=False)
    count = Counted(reader, run, tags, known)
    for series, stored in reader.tensors(run, only_scores(tags, images)):
        count.begin(series, stored)
        if series.kind is Kind.SCORES:
            for at, said in unpacked(series, stored, record.unpack_scores, problems):
                count.take(series, at, said)
                columns.take(series.image, at, said)
        else:
            for at, of_all in unpacked(series, stored, unpacking.unpack, problems):
                count.take(series, at, of_all)
                wanted = [each for each in of_all if images is None or each in images]
                columns.take_all(at, of_all, wanted)
    header = {"run": run, "probe": probe, **columns.header(), "remarks": count.remarks()}
    return pack.finish({**header, "problems": problems})


def attributions(
    reader: ProviderReader,
    run: str,
    probe: str,
    label: str,
    images: Sequence[int] | None,
    with_grid: Chosen,
    kept: Chosen = frozenset,
) -> bytes | None:
    """Settings, statistics and grids of one method; None where it is not there.

    with_grid: the steps of an image to those whose grid is wanted.
    kept: likewise to those whose records are.
    """
    pack, problems = Pack(), Problems()
    columns, settings, unpacking = AttributionColumns(pack), Listed(pack), record.MethodReader()
    label_maps = LabelMaps(pack)
    placed: dict[int, tuple[record.Attribution, int]] = {}
    series = reader.of_probe(run, probe, images, blobs=False)
    if not only(series, Kind.METHOD, None, label):
        return None

    def settings_at(about: record.Attribution) -> int:
        """Mostly one of those of before, which is kept so that no other takes its place."""
        if id(about) not in placed:
            if len(placed) > MAX_PLACED:
                placed.clear()
            placed[id(about)] = about, settings.place(settings_of(about, label_maps))
        return placed[id(about)][1]

    listed = []
    logged: set[int] = set()
    tags = only(series, Kind.METHOD, images, label)
    for of, every in reader.tensors(run, tags):
        stored = _among(every, kept)
        if len(stored) < len(every):
            logged.update(at.step for at in every)
        # Of a long series few grids are wanted, as a rule: the others are not unpacked.
        read = [
            (at, columns.row(at, each, settings_at(each.settings)), _grid_size(each.settings))
            for at, each in unpacked(of, stored, unpacking.unpack, problems)
        ]
        wanted = with_grid([at.step for at, _, _ in read])
        rows: list[AttributionRow] = []
        grids: list[tuple[int, bytes]] = []
        held = 0
        for at, row, size in read:
            if at.step in wanted and size:
                held += size
                pack.check(columns.size + held)
                large.hold(size)  # before it is unpacked, which takes several times as much
                try:
                    grids.append((len(rows), grid_of(content(at)).tobytes()))
                except record.RecordError as e:
                    problems.note(e, image=of.image, step=exact(at.step))
                    continue
            rows.append(row)
        listed.append(columns.image(of.image, rows, grids))
    header: dict[str, Any] = {"run": run, "probe": probe, "label": label}
    header |= {"settings": settings.all, "statistics": ["whole", *STATISTICS]}
    header |= {"hashes": columns.hashes.all, "targets": columns.targets.all}
    header["logged"] = pack.add(np.array(sorted(logged), np.int64), "i8")
    header |= {"images": listed, "problems": problems}
    return pack.finish(header)


def _among(stored: Sequence[Stored], kept: Chosen) -> list[Stored]:
    wanted = kept([at.step for at in stored])
    return [at for at in stored if at.step in wanted]


def _grid_size(attribution: record.Attribution) -> int:
    """Bytes of a grid, of which a record without its values tells."""
    grid = attribution.grid
    return 0 if grid is None else 4 * math.prod(places.shape_of(grid)) * len(grid.classes)


def means(
    reader: ProviderReader,
    run: str,
    probe: str,
    label: str,
    groups: Sequence[int] | None,
    kept: Chosen = frozenset,
) -> bytes | None:
    """One method's means over these groups of images or all; None where there is none.

    kept: the steps of a series to those whose records are wanted.
    """
    pack, problems = Pack(), Problems()
    settings, label_maps = Listed(pack), LabelMaps(pack)
    tags = means_of(reader.of_probe(run, probe, blobs=False), label)
    if not tags:
        return None
    wanted = {each: tag for each, tag in tags.items() if groups is None or each.over in groups}

    def one(stored: Stored, mean: record.Mean) -> dict[str, Any]:
        everywhere = (mean.counts == len(mean.members)).all()
        return {
            "step": exact(stored.step),
            "wall": stored.wall,
            "settings": settings.place(mean_settings_of(mean, label_maps)),
            "statistics": pack.add(numbers_of(mean.statistics), "f8"),
            "means": pack.add(mean.means, "f4"),
            "errors": pack.add(mean.errors, "f4"),
            "counts": None if everywhere else pack.add(mean.counts, "f4"),
        }

    listed = [
        {
            "group": named(series.over),
            "name": series.group_name,
            "records": [
                pack.entry(one(*pair))
                for pair in unpacked(series, _among(stored, kept), record.unpack_mean, problems)
            ],
        }
        for series, stored in reader.tensors(run, wanted)
    ]
    header = {"run": run, "probe": probe, "label": label, "settings": settings.all}
    header["statistics"] = STATISTICS
    return pack.finish({**header, "groups": listed, "problems": problems})


def maps(
    reader: ProviderReader,
    run: str,
    probe: str,
    label: str,
    wanted: Sequence[tuple[int, int, float]],
) -> tuple[bytes, bool] | None:
    """Full-resolution maps of (image, step, wall), and whether all are there."""
    images = sorted({number for number, _, _ in wanted})
    series = reader.of_probe(run, probe, images)
    if not only(series, Kind.MAP, None, label):
        return None
    pack, problems = Pack(), Problems()
    tags = only(series, Kind.MAP, images, label)
    held = {
        (of.image, entry.step, entry.wall): entry
        for of, stored in reader.blobs(run, tags).items()
        for entry in stored
    }
    there = [each for each in wanted if each in held]
    gone = [each for each in wanted if each not in held]
    records = []
    for place, elements in zip(there, reader.contents([held[at] for at in there]), strict=True):
        if elements is None:
            gone.append(place)
            continue
        try:
            records.append(pack.entry(maps_of(pack, place, unpacked_maps(elements))))
        except record.RecordError as e:
            problems.note(e, image=place[0], step=exact(place[1]))
    missing = [{"image": image, "step": exact(step), "wall": wall} for image, step, wall in gone]
    header = {"run": run, "probe": probe, "label": label, "records": records}
    data = pack.finish({**header, "missing": missing, "problems": problems})
    return data, not missing and not problems


def scalars(reader: ProviderReader, run: str) -> dict[str, Any]:
    """Tags of the ordinary scalars of a run and those beside it."""
    names = family(run)
    tags = reader.scalar_tags(list(names.values()))
    listed = [
        {"where": where, "run": name, "tags": tags[name]}
        for where, name in names.items()
        if name in tags
    ]
    return {"run": run, "scalars": listed}


def scalar(reader: ProviderReader, run: str, tag: str) -> bytes | None:
    """Steps, wall times and values of one series of scalars; None where it is not there."""
    stored = reader.scalar(run, tag)
    if not stored:
        return None
    pack = Pack()
    header = {
        "run": run,
        "tag": tag,
        "steps": pack.add(np.array([each.step for each in stored], np.int64), "i8"),
        "walls": pack.add([each.wall for each in stored], "f8"),
        "values": pack.add([each.data for each in stored], "f8"),
    }
    return pack.finish(header)


def grid_of(data: bytes) -> NDArray[np.float32]:
    """The values of its grid; none where it has none."""
    grid = record.unpack_attribution(data).grid
    return np.empty(0, np.float32) if grid is None else grid.values
