"""Modules of JavaScript in one, so that a page asks for one file in place of a hundred.

A module becomes a function that gives its exports and runs when the first that imports it does. Its
lines stay as they are but for those of imports and exports, which are read in the one form that our
modules write them in; any other is refused. Modules of ours import each other in no circle, and
reassign nothing that they export.
"""

import json
import posixpath
import re
from collections.abc import Iterator, Mapping

_IMPORT = re.compile(r'^import \{([^}\n]*)\} from "(\.{1,2}/[^"\n]+)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?(?:class|const|function\*?) )([\w$]+)", re.MULTILINE)
# Where the code comes to it.
_LATER = re.compile(r'\bawait import\("(\.{1,2}/[^"\n]+)"\)')
_OTHER = re.compile(r"^(?:import|export)\b.*$", re.MULTILINE)
_HEAD = """\
// A file for each module is served too; debuggers show those.
const parts = {}, made = {};
const need = (name) => made[name] ??= parts[name]();
"""


def joined(data: Mapping[str, bytes], name: str) -> tuple[str, str]:
    """A module with all that it imports, itself and through others, and its source map.

    data: texts by path. Raises ValueError of a line that imports or exports in another form.
    """
    texts, sections = [_HEAD], []
    line = _HEAD.count("\n")
    for at in modules(data, name):
        body, exports = _part(at, data[at].decode())
        lines = body.count("\n")
        sections.append(_section(at, line + 1, lines))
        texts += f'parts["{at}"] = () => {{\n', body, f"return {{ {', '.join(exports)} }};\n}};\n"
        line += lines + 3
    _, exports = _part(name, data[name].decode())
    texts.append(f'export const {{ {", ".join(exports)} }} = need("{name}");\n')
    texts.append(f"//# sourceMappingURL={posixpath.basename(name)}.map\n")
    return "".join(texts), json.dumps({"version": 3, "sections": sections})


def modules(data: Mapping[str, bytes], name: str) -> Iterator[str]:
    """Paths of a module and of all that it imports, itself and through others, each once."""
    found, waiting = {name}, [name]
    while waiting:
        at = waiting.pop(0)
        yield at
        text = data[at].decode()
        for target in [*(each[2] for each in _IMPORT.finditer(text)), *_LATER.findall(text)]:
            to = _resolved(at, target)
            if to not in found:
                found.add(to)
                waiting.append(to)


def _part(at: str, text: str) -> tuple[str, list[str]]:
    """A module's lines in a function, and the names that it exports."""

    def needed(found: re.Match[str]) -> str:
        names = found[1].replace(" as ", ": ")
        return f'const {{{names}}} = need("{_resolved(at, found[2])}");'

    exports = [name for _, name in _EXPORT.findall(text)]
    text = _EXPORT.sub(r"\1\2", _IMPORT.sub(needed, text))
    if other := _OTHER.search(text):
        raise ValueError(f"{at}: {other[0]!r}: import and export as the other modules do")
    text = _LATER.sub(lambda call: f'await need("{_resolved(at, call[1])}")', text)
    return text.removesuffix("\n") + "\n", exports


def _resolved(at: str, target: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(at), target))


def _section(source: str, first: int, lines: int) -> dict[str, object]:
    """The part of a source map that leads a module's lines to the same lines of its own file."""
    mappings = ";".join(["AAAA", *["AACA"] * (lines - 1)])
    own = {"version": 3, "sources": [source], "names": [], "mappings": mappings}
    return {"offset": {"line": first, "column": 0}, "map": own}
