"""What methods say of themselves, as text: for the command line and the documents."""

import dataclasses
import inspect
from collections.abc import Iterator

from tensorboard_picasso.numbers.maps import Sign
from tensorboard_picasso.summary.methods import installed, known
from tensorboard_picasso.summary.methods.base import Method

# How values are shown, as `readings.comparable` has it.
UNITS = {
    Sign.CONTRIBUTION: "in the unit of the score",
    Sign.DIRECTION: "in multiples of a uniform map",
    Sign.UNSIGNED: "in multiples of a uniform map",
}


def lines() -> Iterator[str]:
    """All installed methods, a few lines each: what it is, says, needs and costs, its settings."""
    for name, kind in installed().items():
        yield name
        if isinstance(kind, Exception):
            yield f"  cannot be used: {type(kind).__name__}: {kind}"
            continue
        yield f"  {(inspect.getdoc(kind) or kind.__name__).splitlines()[0]}"
        try:
            yield f"  {_nature(kind())}"
        except Exception as e:  # another package's method may need settings
            yield f"  needs settings: {e}"
        yield f"  {_call(kind)}"
        if kind.paper:
            yield f"  {kind.paper}"


def table(paper: bool = True) -> list[str]:
    """This package's methods as a table of Markdown, by default with the paper."""
    columns = ["method", "its sign says", "needs", "passes an image"]
    rows = [columns + ["published in"] * paper, ["---"] * (len(columns) + paper)]
    for kind in sorted(known().values(), key=lambda each: each.__name__):
        each = kind()
        row = [f"`{kind.__name__}`", each.sign, each.needs, each.passes]
        rows.append(row + [each.paper] * paper)
    return [f"| {' | '.join(row)} |" for row in rows]


def _nature(method: Method) -> str:
    return f"{method.sign}, {UNITS[method.sign]}; needs {method.needs}; {method.passes}"


def _call(kind: type[Method]) -> str:
    """As it is written in Python, with its defaults."""
    # A signature does not show what a dataclass makes anew each time.
    made = {
        field.name: field.default_factory()
        for field in dataclasses.fields(kind)
        if field.default_factory is not dataclasses.MISSING
    }
    settings = [
        parameter.name
        if parameter.default is parameter.empty
        else f"{parameter.name}={made.get(name, parameter.default)!r}"
        for name, parameter in inspect.signature(kind).parameters.items()
    ]
    return f"{kind.__name__}({', '.join(settings)})"


__all__ = ["lines", "table"]
