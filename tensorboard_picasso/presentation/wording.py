"""Numbers and legends as people read them.

The twin of `static/kit/format.js` and of the sentence in `static/pictures/legend.js`: a
picture that was exported says what the tab says.
"""

import math
from decimal import ROUND_HALF_UP, Decimal

from tensorboard_picasso.numbers.maps import Output, Sign
from tensorboard_picasso.presentation.readings import Reading, comparable
from tensorboard_picasso.stored.record import Attribution, Mean

MINUS = "−"
# Of a map without a value that is none.
ZERO = "zero everywhere"


def _fixed(value: float, digits: int) -> Decimal:
    """Rounded as JavaScript's `toFixed`: halves away from zero."""
    return Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def _plain(value: Decimal) -> str:
    """Without an exponent and without zeros at the end."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def count(value: int) -> str:
    """A whole number with separators."""
    return f"{value:,}"


def percent(p: float) -> str:
    """A probability; never "100 %" or "0 %" where something is left."""
    if math.isnan(p):
        return "–"
    if p in (0, 1):
        return f"{100 * int(p)} %"
    if p > 0.999:
        return ">99.9 %"
    if p < 0.001:
        return "<0.1 %"
    if p > 0.99 or p < 0.01:
        return f"{_fixed(100 * p, 1)} %"
    return f"{math.floor(100 * p + 0.5)} %"


def number(value: float) -> str:
    """Three significant digits, with a minus sign that is as wide as a plus."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    if value == 0:
        return "0"
    size = Decimal(abs(value))
    unit = Decimal(1).scaleb(size.adjusted() - 2)
    rounded = size.quantize(unit, ROUND_HALF_UP)
    sign = MINUS if value < 0 else ""
    if 1e-3 <= abs(value) < 1e5:
        return sign + _plain(rounded)
    power = rounded.adjusted()
    digits = f"{rounded.scaleb(-power):.2f}"
    return f"{sign}{digits}e{MINUS if power < 0 else ''}{abs(power)}"


def step_text(step: int, epoch: float | None) -> str:
    """`step 1,240 · epoch 20`."""
    at = f"step {count(step)}"
    return at if epoch is None else f"{at} · epoch {_plain(_fixed(epoch, 2))}"


def sentence(about: Attribution | Mean, reading: Reading, subject: str) -> tuple[str, str, str]:
    """The words before and after the palette's bar, and what else must be said."""
    fill = about.parameters.get("fill", "")
    name = "image mean" if fill == "mean" else fill
    more = f"(fill: {name})" if fill else ""
    before, after = _sides(about, reading, subject)
    if fill and after == "opposes it":
        # Where what is hidden is filled with something like the class, the class gains by it.
        # Dropped tokens are filled with nothing.
        filled = "" if fill == "dropped tokens" else f", or its fill ({name}) supports it"
        after, more = f"opposes it{filled}", ""
    elif not _hides(about) and about.sign is Sign.DIRECTION:
        more = "(a direction, not support)"
    elif _is_grad_cam(about):
        more = "(what lowers it is cut off)"
    elif not _hides(about) and about.sign is Sign.UNSIGNED:
        more = "(without a sign)"
    elif not _hides(about) and (baseline := about.parameters.get("baseline", "")):
        more = f"(baseline: {baseline})"
    return before, after, more


def _hides(about: Attribution | Mean) -> bool:
    """Whether windows were hidden: means are of such methods only."""
    return isinstance(about, Mean) or about.grid is not None


def _hidden(about: Attribution | Mean) -> str:
    """What is hidden at a time, where it is no window."""
    placed = about if isinstance(about, Mean) else about.grid
    return "" if placed is None or placed.segments is None else "its segment is "


def _is_grad_cam(about: Attribution | Mean) -> bool:
    return about.method == "grad-cam"


def _sides(about: Attribution | Mean, reading: Reading, subject: str) -> tuple[str, str]:
    when = f"when {_hidden(about)}hidden"
    if reading is Reading.SCORE:
        this = "this segment" if _hidden(about) else "this"
        return f"probability of {subject} while {this} is hidden: 0", "1"
    if reading is Reading.EVIDENCE:
        before = f"supports {subject} against the strongest other class (weaker {when})"
        return before, "opposes it"
    if _hides(about) and about.output is Output.RAW:
        return f"raises the {about.unit} of {subject} (lower {when})", "lowers it (higher)"
    if _hides(about):
        return f"supports {subject} (less likely {when})", "opposes it"
    if isinstance(about, Attribution) and _is_grad_cam(about):
        return f"what {about.layer} finds here raises the score of {subject} little", "much"
    return {
        Sign.CONTRIBUTION: (f"supports {subject}", "opposes it"),
        Sign.DIRECTION: (f"making this brighter raises the score of {subject}", "lowers it"),
        Sign.UNSIGNED: (
            f"strength: changing this changes the score of {subject} little",
            "much",
        ),
    }[about.sign]


def scale_text(about: Attribution | Mean, scale: float) -> str:
    """How far the palette reaches."""
    if comparable(about):
        return f"±{number(scale)}" + ("" if about.unit == "value" else f" {about.unit}")
    return f"up to {number(scale)} times a uniform map"
