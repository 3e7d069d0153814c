"""The command line: `python -m tensorboard_picasso explain`, `export`, `log` and `methods`."""

import argparse
import errno
import os
import select
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tensorboard_picasso.checkpoints import session, settings
from tensorboard_picasso.export.editnumbers import EditSubject
from tensorboard_picasso.export.evolution import PREDICTED, MapSubject, TargetChoice
from tensorboard_picasso.export.files import FileFormat
from tensorboard_picasso.export.means import MeanSubject
from tensorboard_picasso.export.picture import SCALES
from tensorboard_picasso.export.request import ExportRequest, make
from tensorboard_picasso.logs.bounds import TooLargeError
from tensorboard_picasso.logs.errors import ExportError, NotThereError
from tensorboard_picasso.logs.events import EventReader
from tensorboard_picasso.logs.records import Problems, only, unpacked
from tensorboard_picasso.numbers.volumes import Plane
from tensorboard_picasso.presentation.readings import Reading
from tensorboard_picasso.presentation.terminal import Bar, printed
from tensorboard_picasso.stored import record
from tensorboard_picasso.stored.metadata import MEANS, WHOLE_PROBE, Kind, Series
from tensorboard_picasso.summary.methods import _listing
from tensorboard_picasso.trained import session as explaining
from tensorboard_picasso.trained import settings as explained
from tensorboard_picasso.trained import sources
from tensorboard_picasso.version import __version__

PROGRAM = "python -m tensorboard_picasso"
EXPLAIN = """\
Explain a trained model on pictures, and serve the tab: keras:VGG16,
torchvision:resnet50, timm:NAME or hf:NAME, with the preprocessing, class names and
weights that the framework keeps (in its cache, or downloaded), or a model of your own.
"""
EXPLAIN_EXAMPLES = ("explain --model my_module:build --images pictures --size 8 --no-serve",)
LOG = """\
Go through the checkpoints of a training in step order and log the maps of some
images at each, as the summary ops do while training. What is in the log stays:
the command goes on behind it.
"""
LOG_EXAMPLES = (
    "log --checkpoints runs/7 --list",
    "log --model my_module:build --checkpoints runs/7 --images pictures"
    " \\\n    --normalized 0.485,0.456,0.406 0.229,0.224,0.225 --logdir logs/run7",
)
EXPORT_EXAMPLES = (
    "export --logdir logs",
    "export --logdir logs --run run1 --tag digits/00/occlusion --format gif",
    "export --logdir logs --run run1 --tag digits/mean/occlusion --format csv --out -",
)
METHODS_EXAMPLES = ("methods",)
LISTED = 20  # names in an error
EXPORT = """\
Write a map over training to a file, from the event files themselves: every
logged step, not TensorBoard's sample. Without --format and --out: list what
there is.
"""
METHODS = """\
List the installed methods, also those of other packages: what their sign says, their
unit, what they need of a model, the passes of it that an image takes, their settings.
"""


def parser() -> argparse.ArgumentParser:
    """What reads the command line."""
    made = argparse.ArgumentParser(prog=PROGRAM, description=__doc__)
    made.add_argument("--version", action="version", version=__version__)
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, description: str, examples: Sequence[str], text: str) -> Any:
        return commands.add_parser(
            name,
            description=description,
            epilog="examples:\n" + "\n".join(f"  {PROGRAM} {each}" for each in examples),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            help=text,
        )

    explain = add("explain", EXPLAIN, EXPLAIN_EXAMPLES, "explain a trained model on pictures")
    explained.add_options(explain)
    export = add("export", EXPORT, EXPORT_EXAMPLES, "write a map over training to a file")
    _add_options(export)
    log = add("log", LOG, LOG_EXAMPLES, "log checkpoints that already exist")
    settings.add_options(log)
    methods = add("methods", METHODS, METHODS_EXAMPLES, "list the methods")
    methods.add_argument("--markdown", action="store_true", help="this package's, as a table")
    return made


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status."""
    try:
        try:
            return _command(words)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        if not _is_closed():
            raise
        _drop()  # whoever reads has enough, as `head` has
        return 0
    except OSError as e:
        if e.errno != errno.ENOSPC:
            raise
        _drop()
        print(f"{PROGRAM}: standard output: {e.strerror}", file=sys.stderr)
        return 2


def _drop() -> None:
    """What was not written must not be written at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _is_closed() -> bool:
    """Whether nobody reads what is printed; another pipe, to a worker, may break too."""
    if not hasattr(select, "poll"):
        return True
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    return bool(poll.poll(0))


def _command(words: Sequence[str] | None) -> int:
    given = parser().parse_args(words)
    if given.command == "methods":
        _list_methods(given.markdown)
        return 0
    try:
        if given.command == "log":
            return session.run(settings.parse(given))
        if given.command == "explain":
            return explaining.run(explained.parse(given, sources.names()))
        _export(given)
    except BrokenPipeError:
        raise
    except _refusals(given.command) as e:
        reason = str(e)
        if isinstance(e, OSError):
            reason = f"{'standard output' if e.filename is None else e.filename}: {e.strerror}"
        print(f"{PROGRAM} {given.command}: {printed(reason)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _refusals(command: str) -> tuple[type[Exception], ...]:
    """What says in a few words that something cannot be done."""
    if command in ("log", "explain"):  # what does not fit into a probe, or a model, is one of these
        return ValueError, TypeError, OSError
    return ExportError, record.RecordError, TooLargeError, OSError


def _add_options(export: argparse.ArgumentParser) -> None:
    add = export.add_argument
    add("--logdir", required=True, help="what tensorboard --logdir shows")
    add("--run", help="default: the only one with a probe")
    add(
        "--tag",
        help="such as digits/00/occlusion or digits/mean/occlusion; default: the only method's",
    )
    add("--format", help=", ".join(FileFormat))
    add("--out", help="file to write, - for standard output; default: a name made from the rest")
    add("--force", action="store_true", help="replace a file that is there")
    add("--target", metavar="CLASS", help="name, index, or predicted; default: the image's label")
    add("--step", help="only this one; default: the newest for png, else all")
    add("--reading", help=", ".join(Reading))
    add("--palette", help="such as green-violet or lagoon")
    add("--opacity", help="0 to 1")
    add("--scale", help=f"{', '.join(SCALES)}, or the value that takes the last colour")
    add("--size", metavar="PIXELS", help="of the longer side of the map")
    add("--fps", help="frames a second")
    add(
        "--slice",
        help="of a volume, from 0 on; default: pictures of the middle one, numbers of all",
    )
    add("--plane", help=f"across which it is cut: {', '.join(Plane)}; default: axial")


def _list_methods(markdown: bool) -> None:
    for line in _listing.table() if markdown else _listing.lines():
        print(printed(line))


def _export(given: argparse.Namespace) -> None:
    reading = Bar("reading")

    def say(text: str) -> None:
        reading.close()
        print(printed(text), file=sys.stderr)

    reader = EventReader(given.logdir, say, reading)
    wanted = given.format or (given.out and Path(given.out).suffix.removeprefix("."))
    if not wanted and given.out is None:
        _list(reader, given.run)
        return
    asked = ExportRequest.parse({**vars(given), "format": wanted})
    run = _run(reader, given.run)
    series = _series(reader, run, given.tag)
    subject = _subject(reader, run, series, given.target)
    # One scale for all runs, as in the tab; numbers need no scale.
    shared = asked.kind not in (FileFormat.NPZ, FileFormat.CSV) and asked.scale in (
        "shared",
        "step",
    )
    runs = reader.runs if shared else [run]
    reader.scan(runs)
    drawing = Bar("drawing")
    made = make(reader, subject, asked, runs, progress=drawing)
    for remark in made.remarks:
        say(remark)
    if given.out == "-":
        sys.stdout.buffer.write(made.data)
        return
    path = Path(given.out or made.name)
    _write(path, made.data, given.force)
    print(path)


def _write(path: Path, data: bytes, force: bool) -> None:
    """Write a file; one that is there is kept, unless it may be replaced."""
    if path.is_file() and not force:
        raise ExportError(f"{path} is there: pass --force to replace it")
    try:
        path.write_bytes(data)
    except OSError as e:
        if path.is_file() and e.errno == errno.ENOSPC:
            path.unlink()  # half of a file would look like one
        # Python names no file where writing fails.
        raise ExportError(f"{path}: {e.strerror}") from e


def _list(reader: EventReader, run: str | None) -> None:
    """Print what there is: a run, and below it its tags with their steps."""
    runs = reader.runs if run is None else [_run(reader, run)]
    reader.scan(runs)
    empty = True
    for name in runs:
        tags = _tags(reader, name)
        if not tags:
            continue
        empty = False
        print(printed(name))
        for tag, series in tags.items():
            steps = reader.steps(name, series)
            between = f"{steps[0]}" if len(steps) == 1 else f"{steps[0]} to {steps[-1]}"
            print(f"  {printed(tag)}  {len(steps)} step{'s' * (len(steps) > 1)}: {between}")
    if empty:
        raise NotThereError("no run with a probe: log one with summary.attribution")


def _methods(reader: EventReader, run: str) -> dict[str, Series]:
    """The series of methods in a run, by tag."""
    return {tag: each for tag, each in _tags(reader, run).items() if each.kind is Kind.METHOD}


def _tags(reader: EventReader, run: str) -> dict[str, Series]:
    """All that can be exported: means over a probe, edits, methods, means over classes and groups."""

    def place(item: tuple[str, Series]) -> tuple[int, int, str]:
        tag, series = item
        if series.kind is Kind.GROUP_MEAN:
            return 2, 0, tag
        of_class = series.kind is Kind.MEAN and series.group != WHOLE_PROBE
        return of_class, series.group if of_class else series.kind is Kind.METHOD, tag

    all_tags = {tag: series for series, tag in reader.of_run(run).items()}
    kinds = (Kind.METHOD, *MEANS, Kind.EDITS)
    return dict(sorted(((t, s) for t, s in all_tags.items() if s.kind in kinds), key=place))


def _run(reader: EventReader, name: str | None) -> str:
    if name is not None and name in reader.runs and _tags(reader, name):
        return name
    reader.scan(reader.runs)
    runs = [each for each in reader.runs if _tags(reader, each)]
    if name is None and len(runs) == 1:
        return runs[0]
    if not runs:
        raise NotThereError("no run with a probe: log one with summary.attribution")
    problem = "give --run" if name is None else f'no run "{name}" with a probe'
    raise NotThereError(f"{problem}: there are {_listed(runs)}")


def _series(reader: EventReader, run: str, tag: str | None) -> Series:
    tags, methods = _tags(reader, run), _methods(reader, run)
    series = tags.get((tag or "").removesuffix("/map"))
    if series is not None:
        return series
    only_ones = methods or tags  # a probe may have edits alone
    if tag is None and len(only_ones) == 1:
        return next(iter(only_ones.values()))
    problem = "give --tag" if tag is None else f'no method under tag "{tag}"'
    raise NotThereError(f"{problem}: there are {_listed(tags)}")


def _subject(
    reader: EventReader, run: str, series: Series, target: str | None
) -> MapSubject | MeanSubject | EditSubject:
    if series.kind is Kind.EDITS:
        if target is not None:
            raise ExportError("--target: edits are of each image's own class")
        return EditSubject(run, series.probe)
    if series.kind not in MEANS:
        index = _target(reader, run, series, target)
        return MapSubject(run, series.probe, series.image, series.label, index)
    if target is not None:
        raise ExportError("--target: a mean is of each image's own class")
    return MeanSubject(run, series.probe, series.label, series.over)


def _target(reader: EventReader, run: str, series: Series, word: str | None) -> TargetChoice:
    """A class by its name, else by its index; `PREDICTED`; None: the image's own."""
    if word is None:
        return None
    inputs = only(reader.of_probe(run, series.probe), Kind.INPUT, [series.image])
    names: list[str] = []
    for of, stored in reader.tensors(run, inputs):
        for _, shown in unpacked(of, stored, record.unpack_picture, Problems()):
            names = list(shown.class_names)
    if word in names:
        return names.index(word)
    if word.isascii() and word.isdigit() and int(word) < record.MAX_CLASSES:
        return int(word)
    if word == PREDICTED:
        return PREDICTED
    raise NotThereError(f'no class "{word}": there are {_listed(names) or "indices only"}')


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more


if __name__ == "__main__":
    sys.exit(main())
