"""Means over a probe's images that ordinary scalar dashboards can show."""

import math
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.numbers import maps
from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.stored import record
from tensorboard_picasso.summary.explain import regions
from tensorboard_picasso.summary.probe.probe import Probe


def of_images(
    probe: Probe,
    images: Sequence[tuple[record.Scores, Sequence[record.Attribution]]],
    output: Output,
    value: str,
) -> dict[str, dict[str, float]]:
    """Means over the probe by name, for each method's label; those of the class scores under "".

    Nothing where no image has a number: charts draw a gap.

    Args:
      probe, output: what was recorded, and what the model's scores were taken to be.
      images: of each its scores and attributions.
      value: what a score is called: "probability".
    """
    collected: dict[str, dict[str, list[float]]] = {}

    def add(label: str, name: str, value: float) -> None:
        if math.isfinite(value):
            collected.setdefault(label, {}).setdefault(name, []).append(value)

    groups = _names(probe.groups or ())
    for index, (scores, attributions) in enumerate(images):
        truths = probe.truths_of(index)
        classes = {}
        if truths:
            classes["true"] = np.searchsorted(scores.classes, truths)
        if output is not Output.RAW and np.isfinite(scores.values).any():
            # The likeliest, also of independent labels, as the tab and the exports have it.
            classes["predicted"] = np.array([np.nanargmax(scores.values)])
        group = groups.get(probe.groups[index]) if probe.groups else None
        for name, at in classes.items():
            read = _read(output, scores.values[at])
            add("", f"{value} of the {name} class", read)
            if name == "true" and group is not None:
                add("", f"{value} of the true class of {group}", read)
        known = output is not Output.RAW and not np.isnan(scores.values).all()
        if truths is not None and group is not None and known:
            add("", f"accuracy of {group}", _is_right(scores, truths))
        for part in scores.hidden:
            # No comma and no parentheses: MLflow refuses a name with one, and all beside it.
            filled = part.fill.replace(",", "")
            fill = f" in {filled}" if len(probe.region_fills) > 1 else ""
            hidden = f" with {part.region} hidden{fill}"
            for name, at in classes.items():
                # Predicted is what was with nothing hidden.
                add("", f"{value} of the {name} class{hidden}", _read(output, part.values[at]))
            if part.move is not None:
                add("", f"predictions changed{hidden}", part.move.flips)
                add("", f"moves{hidden}", part.move.moves)
        for attribution in attributions:
            # The true classes where there are any, else the caller's or the newest prediction.
            explained = attribution.targets[: max(1, len(truths or ()))]
            for name, number in regions.scalars(attribution, explained):
                add(attribution.label, name, number)
    return {
        label: {name: float(np.mean(values)) for name, values in named.items()}
        for label, named in collected.items()
    }


def _is_right(scores: record.Scores, truths: Sequence[int]) -> bool:
    """Whether what is predicted is true; of independent labels all that are, and nothing else."""
    if scores.independent:
        return list(scores.classes[scores.values >= 0]) == sorted(truths)
    return int(scores.classes[np.nanargmax(scores.values)]) in truths


def _names(groups: Sequence[str | None]) -> dict[str | None, str]:
    """What tags call each group: MLflow takes no other letters, and refuses all beside such a name."""
    different = sorted({each for each in groups if each is not None})
    plain = [re.sub(r"[^\w .-]", "", each).strip() for each in different]
    # A group may itself be called as those are that have no name of their own.
    numbered = {f"group {place}" for place in range(len(different))}
    return {
        each: f"group {place}" if not name or plain.count(name) > 1 or name in numbered else name
        for place, (each, name) in enumerate(zip(different, plain, strict=True))
    }


def _read(output: Output, values: NDArray[np.float32]) -> float:
    """The mean probability of an image's true classes; of raw outputs their values'."""
    shown = values if output is Output.RAW else maps.probability(values)
    return float(np.mean(np.asarray(shown, np.float64)))
