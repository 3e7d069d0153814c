"""Writes `docs/api.md` from signatures and docstrings: `python -m tests.kit.api > docs/api.md`."""

import argparse
import inspect
import re
from collections.abc import Iterator
from typing import Any

import tensorboard_picasso
from tensorboard_picasso import __main__, summary
from tensorboard_picasso.export import arrays

GROUPS = {
    "Ops": (
        "attribution", "occlusion", "saliency", "class_probabilities", "edited", "explain_plan",
        "flush", "deterministic",
    ),
    "What is watched": ("Probe", "Box", "Polygon", "coco_regions", "voc_regions"),
    "Callbacks": ("KerasCallback", "LightningCallback", "TransformersCallback"),
    "Schedules of the callbacks": (
        "LogSpaced", "EverySteps", "EveryEpochs", "OnCheckpoint", "Schedule",
    ),
    "Methods": (
        "Occlusion", "Saliency", "IntegratedGradients", "GradientTimesInput", "SmoothGrad",
        "VarGrad", "GradCAM", "RISE", "Captum", "Method",
    ),
    "Warnings": ("PicassoWarning",),
}  # fmt: skip
# Other methods of a class that people call.
MORE = {"Probe": ("from_dataset",)}

HEAD = """\
# The public API

What `from tensorboard_picasso import summary` gives, `tensorboard_picasso.read`, and the commands, with their parameters; anything else may change, but for `tensorboard_picasso.extend`, on which [methods](extending/new-method.md), [edits](extending/new-edit.md) and [backends](extending/new-backend.md) of your own are built. This page is made from signatures and docstrings (`python -m tests.kit.api > docs/api.md`, which a test checks), so that `help(summary.Probe)` says the same. How things work together: the [README](../README.md), [models](models.md), [methods](methods.md), [budget](budget.md).
"""

_ENTRY = re.compile(r"(\*{0,2}\w+(?:, \*{0,2}\w+)*): (.+)")
_INLINE = re.compile(r"(?<=\.) ([a-z_]+): ")
_SEE = re.compile(r"[Ss]ee `(\w+)`(?: and `(\w+)`)?")
_SECTION = re.compile(r"(Args|Attributes|Returns|Raises|References|Example):$")


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for title, names in GROUPS.items():
        parts.append(f"## {title}\n")
        for name in names:
            parts += _described(f"{name}", getattr(summary, name))
            for more in MORE.get(name, ()):
                parts += _described(f"{name}.{more}", getattr(getattr(summary, name), more))
    parts.append("## Reading logs\n")
    parts += _described("tensorboard_picasso.read", tensorboard_picasso.read)
    for each in ("picture", "scores", "maps", "windows", "segments", "regions", "edits", "steps"):
        parts += _described(f"log[run][probe].{each}", getattr(arrays.LoggedProbe, each))
    parts.append("## Commands\n")
    for name, parser in commands().items():
        parts += _command(name, parser)
    return "\n".join(parts).rstrip() + "\n"


def _described(name: str, thing: Any) -> Iterator[str]:
    taken = parameters(thing)
    signature = ", ".join(_shown(taken))
    # A base class to derive from, and a warning, are not called.
    yield (
        f"### `{name}`\n"
        if thing in (summary.Method, summary.Schedule)
        or (isinstance(thing, type) and issubclass(thing, Warning))
        else f"### `{name}({signature})`\n"
    )
    yield f"{first_sentence(thing)}\n"
    told = documented(thing)
    lines = [
        f"- `{each}`: {told[each.lstrip('*')]}"
        for each in _names(taken)
        if each.lstrip("*") in told
    ]
    if lines:
        yield "\n".join(lines) + "\n"


def parameters(thing: Any) -> list[inspect.Parameter]:
    """What is passed to a public function or class, but to a warning."""
    if isinstance(thing, type) and issubclass(thing, Warning):
        return []
    return [each for each in inspect.signature(thing).parameters.values() if each.name != "self"]


def _names(taken: list[inspect.Parameter]) -> list[str]:
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    return [stars.get(each.kind, "") + each.name for each in taken]


def _shown(taken: list[inspect.Parameter]) -> Iterator[str]:
    keywords = False
    for each, name in zip(taken, _names(taken), strict=True):
        if each.kind is inspect.Parameter.KEYWORD_ONLY and not keywords:
            keywords = True
            yield "*"
        if each.default is inspect.Parameter.empty:
            yield name
        else:
            # Of a dataclass the default may be what makes one.
            made = "{}" if "factory" in repr(each.default) else repr(each.default)
            yield f"{name}={made}"


def first_sentence(thing: Any) -> str:
    """The first paragraph of a docstring, in one line."""
    return " ".join(inspect.getdoc(thing).partition("\n\n")[0].split())


def documented(thing: Any) -> dict[str, str]:
    """What the docstring says of each parameter, and where it says to see another, that one."""
    own = _entries(inspect.getdoc(thing) or "")
    found: dict[str, str] = {}
    for name in (each.name for each in parameters(thing)):
        text = own.get(name, "")
        see = _SEE.match(text)
        classes = {each.__name__: each for each in getattr(thing, "__mro__", ())}
        if see and see[1] in classes:
            text = _entries(classes[see[1]].__doc__ and inspect.getdoc(classes[see[1]])).get(
                name, ""
            )
        if text:
            found[name] = text
    return found


def elsewhere(thing: Any) -> set[str]:
    """Parameters that others document, to which the docstring refers."""
    names = [each for see in _SEE.findall(inspect.getdoc(thing) or "") for each in see if each]
    return {
        each for name in names if hasattr(summary, name)
        for each in documented(getattr(summary, name))
    }  # fmt: skip


def _entries(doc: str) -> dict[str, str]:
    """Parameters by name, of `Args:` or of lines `name: text` below the first paragraph."""
    lines = doc.splitlines()
    indent, at = "", 1
    # Those of a base class are told as its attributes.
    for section in ("Attributes:", "Args:"):
        if section in lines:
            indent, at = "  ", lines.index(section) + 1
    found: dict[str, str] = {}
    names: list[str] = []
    for line in lines[at:]:
        if _SECTION.match(line):
            break
        entry = _ENTRY.match(line[len(indent) :]) if line.startswith(indent) else None
        if entry:
            names = [each.lstrip("*") for each in entry[1].split(", ")]
            found |= dict.fromkeys(names, entry[2])
        elif names and line.startswith(indent + "  "):
            found |= {each: f"{found[each]} {line.strip()}" for each in names}
        else:
            names = []
    for name, text in list(found.items()):
        head, *rest = _INLINE.split(text)
        found[name] = head
        found |= dict(zip(rest[::2], rest[1::2], strict=True))
    return {name: text if text.endswith(".") else f"{text}." for name, text in found.items()}


def commands() -> dict[str, argparse.ArgumentParser]:
    """The parser of each command."""
    for action in __main__.parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    raise LookupError("no commands")


def _command(name: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    yield f"### `python -m tensorboard_picasso {name}`\n"
    yield " ".join((parser.description or "").split()) + "\n"
    lines = []
    for action in parser._actions:
        if isinstance(action, argparse._HelpAction):
            continue
        values = parser.formatter_class("")._format_args(action, _metavar(action))
        words = " ".join(filter(None, (action.option_strings[0], values)))
        needed = "Needed. " if action.required else ""
        lines.append(f"- `{words}`: {needed}{action.help}.")
    yield "\n".join(lines) + "\n"


def _metavar(action: argparse.Action) -> str:
    if action.choices is not None:
        return "{" + ",".join(map(str, action.choices)) + "}"
    return action.dest.upper()


if __name__ == "__main__":
    print(page(), end="")
