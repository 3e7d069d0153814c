"""Modules of JavaScript in one, so that a page asks for one file in place of a hundred.

A module becomes a function that gives its exports and runs when the first that imports it does. Its
lines stay as they are but for those of imports and exports, which are read in the one form that our
modules write them in; any other is refused. Modules of ours import each other in no circle, and
reassign nothing that they export.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from posixpath import normpath

_IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.{1,2}/[^"]+)";$')
_EXPORT = re.compile(r"^export (?=(?:async )?(?:class|const|function\*?) ([\w$]+))")
# Where the code comes to it.
_LATER = re.compile(r'\bawait import\("(\.{1,2}/[^"]+)"\)')
_OTHER = re.compile(r"^(?:import|export)\b")
_HEAD = """\
// A file for each module is served too; debuggers show those.
const parts = {}, made = {};
const need = (name) => made[name] ??= parts[name]();
"""


def joined(data: Mapping[str, bytes], name: str) -> tuple[str, str]:
    """A module with all that it imports, itself and through others, and its source map.

    data: texts by path. Raises ValueError of a line that imports or exports in another form.
    """
    text, sections = _HEAD, []
    exports: list[str] = []
    for at in modules(data, name):
        body, own = _part(at, data[at].decode())
        exports = exports or own
        text += f'parts["{at}"] = () => {{\n'
        sections.append(_section(at, text.count("\n"), body.count("\n")))
        text += f"{body}return {{ {', '.join(own)} }};\n}};\n"
    text += f'export const {{ {", ".join(exports)} }} = need("{name}");\n'
    text += f"//# sourceMappingURL={PurePosixPath(name).name}.map\n"
    return text, json.dumps({"version": 3, "sections": sections})


def modules(data: Mapping[str, bytes], name: str) -> Iterator[str]:
    """Paths of a module and of all that it imports, itself and through others, each once."""
    found, waiting = {name}, [name]
    while waiting:
        at = waiting.pop(0)
        yield at
        for line in data[at].decode().split("\n"):
            own = _IMPORT.match(line)
            for target in [*([own[2]] if own else []), *_LATER.findall(line)]:
                to = _resolved(at, target)
                if to not in found:
                    found.add(to)
                    waiting.append(to)


def _part(at: str, text: str) -> tuple[str, list[str]]:
    """A module's lines in a function, and the names that it exports."""
    exports: list[str] = []

    def of(line: str) -> str:
        if found := _IMPORT.match(line):
            names = found[1].replace(" as ", ": ")
            return f'const {{{names}}} = need("{_resolved(at, found[2])}");'
        if found := _EXPORT.match(line):
            exports.append(found[1])
            return line[found.end() :]
        if _OTHER.match(line):
            raise ValueError(f"{at}: {line!r}: import and export as the other modules do")
        return _LATER.sub(lambda call: f'await need("{_resolved(at, call[1])}")', line)

    lines = [of(line) for line in text.removesuffix("\n").split("\n")]
    return "\n".join(lines) + "\n", exports


def _resolved(at: str, target: str) -> str:
    return normpath((PurePosixPath(at).parent / target).as_posix())


def _section(source: str, first: int, lines: int) -> dict[str, object]:
    """The part of a source map that leads a module's lines to the same lines of its own file."""
    mappings = ";".join(["AAAA", *["AACA"] * (lines - 1)])
    own = {"version": 3, "sources": [source], "names": [], "mappings": mappings}
    return {"offset": {"line": first, "column": 0}, "map": own}
