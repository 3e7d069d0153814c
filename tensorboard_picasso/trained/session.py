"""A session explains a trained model on pictures, and serves the tab."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.checkpoints import parts
from tensorboard_picasso.checkpoints.pictures import lines
from tensorboard_picasso.numbers import maps
from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.presentation.terminal import printed
from tensorboard_picasso.summary import Probe, flush
from tensorboard_picasso.summary.backends import UnsupportedError
from tensorboard_picasso.summary.explain import models, scoring
from tensorboard_picasso.summary.kit import report
from tensorboard_picasso.summary.kit.pictures import named
from tensorboard_picasso.summary.methods.base import Method
from tensorboard_picasso.summary.ops import attribution
from tensorboard_picasso.trained import ModelError, classes, pictures, sources
from tensorboard_picasso.trained.settings import Settings
from tensorboard_picasso.trained.sources import Trained
from tensorboard_picasso.trained.tab import serve

# Where logs go that are given no place.
PLACE = Path("logs") / "explain"
STEP = 0


def run(settings: Settings) -> int:
    """Explain the model, then serve.

    Returns:
      The exit status.

    Raises:
      ModelError, ValueError, TypeError, OSError: it cannot be done.
    """
    logdir = _place(settings)
    found = pictures.found(settings.images)
    names = lines(settings.class_names) if settings.class_names else ()
    methods = parts.segmented(settings.methods, settings.segments)
    try:
        trained = sources.find(settings.source).load(settings, names)
        probe = _probe(settings, trained, found)
        _tell(probe, trained.model)
        _log(settings, methods, probe, trained.model, logdir)
    except (ValueError, TypeError, OSError):
        raise
    except Exception as e:  # whatever a model, or what prepares its images, raises
        raise ModelError(f"--model {settings.word}: {report.reason(e)}") from e
    if not settings.serve:
        print(f"now: tensorboard --logdir {printed(str(logdir))}")
        return 0
    return serve(logdir, settings.port)


def _place(settings: Settings) -> Path:
    """The log directory, which holds nothing yet: what is there at step 0 would be replaced."""
    given = settings.logdir
    if given is not None:
        if _is_taken(given):
            raise ModelError(f"--logdir {given} holds other files: pass another")
        return given
    last = Path(settings.model).name if settings.source else settings.model
    name = re.sub(r"[^\w.-]+", "-", last).strip("-.") or "model"
    place, number = PLACE / name, 1
    while _is_taken(place):
        number += 1
        place = PLACE / f"{name}-{number}"
    return place


def _is_taken(place: Path) -> bool:
    return place.exists() and (not place.is_dir() or any(place.iterdir()))


def _probe(settings: Settings, trained: Trained, found: dict[Path, str]) -> Probe:
    paths = pictures.some(found, settings.max_images)
    given = pictures.read(paths, trained.given)
    sizes = {each.shape[:2] for each in given.values()}
    if len(sizes) > 1 and settings.preprocess is None:
        told = f"the model is given pictures of {len(sizes)} sizes"
        raise ModelError(
            f"{told} by its own preprocessing, and one is needed"
            if settings.source
            else f"{told}: pass --size PIXELS"
        )
    names = trained.class_names
    options: dict[str, Any] = dict(trained.options)
    if settings.output != "auto":
        options["output"] = settings.output
    return Probe(
        settings.name or _name(settings, found),
        [*given.values()],
        labels=classes.labels({path: found[path] for path in given}, names),
        class_names=names or None,
        names=[named(path.name) for path in given],
        targets=[classes.index(word, names) for word in settings.targets],
        top_k=settings.top_k,
        max_images=len(given),
        **options,
    )


def _name(settings: Settings, found: dict[Path, str]) -> str:
    """The name of the first folder that is given, or of that of the first file."""
    first = Path(settings.images[0])
    folder = first if first.is_dir() else next(iter(found)).parent
    return named(folder.resolve().name) or "pictures"


def _tell(probe: Probe, model: Any) -> None:
    """Print what the model takes each picture for."""
    backend = models.backend(probe, model)
    with backend.lock:
        scored = scoring.score(probe, backend, scoring.whole_inputs(probe))
        odds = scored.log_odds(scored.whole, backend.behind)
    probe.check_classes(odds.shape[1])
    values = odds if scored.kind is Output.RAW else maps.probability(odds)
    for name, row in zip(probe.names, values, strict=True):
        print(printed(f"{name}: {_likeliest(row, probe.class_names, probe.top_k)}"), flush=True)


def _likeliest(row: NDArray[Any], names: Sequence[str], count: int) -> str:
    best = np.argsort(-row, kind="stable")[:count]
    return ", ".join(f"{names[each] if names else each} {row[each]:.2f}" for each in best)


def _log(
    settings: Settings, methods: Sequence[Method], probe: Probe, model: Any, logdir: Path
) -> None:
    """Log a method after the other, so that what is done stays where the next one is cut off."""
    try:
        for done, method in enumerate(methods):
            print(f"{method.cost(probe)} …", flush=True)
            try:
                attribution(
                    probe, model, methods=[method], writer=str(logdir), step=STEP, strict=True
                )
            except UnsupportedError as e:
                if settings.methods_said or not done:
                    raise
                report.tell(method.label, f"{method.label} is left out: {e}")
            flush()  # what could not be written is raised here
    except KeyboardInterrupt:
        flush()
        if logdir.is_dir():
            report.tell("cut off", f"what was done by then is in {printed(str(logdir))}")
        raise
