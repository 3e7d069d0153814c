"""Rooms, and who may enter them: every import of Python and JavaScript is one that is allowed.

A room is a folder. It may import itself and what stands behind it here; a room within a room
may import what that one may.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "tensorboard_picasso"
STATIC = PACKAGE / "static"

PYTHON = {
    "version": "",
    "numbers": "",
    "stored": "numbers",
    "logs": "numbers stored",
    "presentation": "numbers stored",
    "export": "numbers stored logs presentation version",
    "serving": "numbers stored logs presentation export version",
    "loader": "serving",
    "summary": "numbers stored",
    "checkpoints": "numbers stored logs presentation summary",
    "trained": "numbers stored presentation summary checkpoints",
    "extend": "numbers stored summary checkpoints",
    "__main__": "numbers stored logs presentation export summary checkpoints trained version",
    "__init__": "export version",
}
SUMMARY = {
    "kit": "",
    "reuse": "kit",
    "backends": "kit reuse",
    "probe": "kit backends",
    "methods": "kit backends probe",
    "edits": "kit probe",
    "explain": "kit backends probe methods edits",
    "writers": "kit",
    "log": "kit backends probe methods edits explain writers",
    "ops": "kit backends probe methods edits explain writers log",
    "loops": "kit backends probe methods edits explain writers log",
    "__init__": "kit probe methods writers ops loops",
}
# Frameworks, each imported in its own rooms alone.
FRAMEWORKS = {
    "tensorflow": "tensorflow", "torch": "torch", "jax": "jax", "keras": "keras", "flax": "jax",
    "lightning": "lightning", "transformers": "transformers", "captum": "captum",
    "tensorboardX": "tensorboardx", "ray": "ray", "safetensors": "safetensors",
    "torchvision": "torchvision", "timm": "timm",
}  # fmt: skip
# `types` is read by the type checker alone, as are the imports of types in comments: the arrows
# hold for these too.
BROWSER = {
    "types": "",
    "kit": "types",
    "numbers": "types kit",
    "log": "types kit numbers",
    "shown": "types kit numbers log",
    "pictures": "types kit numbers log shown",
    "timeline": "types kit numbers log shown",
    "edits": "types kit numbers log shown pictures",
    "patches": "types kit numbers log shown",
    "rows": "types kit numbers log shown pictures edits",
    "large": "types kit numbers log shown pictures timeline patches",
    "bar": "types kit numbers log shown timeline",
    "app": "types kit log shown pictures timeline rows large bar",
    "begin": "kit log shown app",
    "index": "begin",
}
# Modules above this many lines, each with its reason. A new one is parted by its nouns instead.
MOST = 400
LONG = {
    "summary/backends/base.py": "all that an adapter may be asked, told in one place",
    "summary/backends/torch/adapter.py": "one adapter: its passes share a twin of the module",
    "summary/probe/probe.py": "the call of Probe, whose arguments are told in one place",
    "summary/reuse/torch_layers.py": "a rule a layer, each of a few lines",
}


def modules(folder: Path, suffix: str) -> list[Path]:
    found = sorted(folder.rglob(f"*{suffix}"))
    assert found
    return found


def room(path: Path, of: Path) -> str:
    return path.relative_to(of).parts[0].removesuffix(path.suffix)


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Each module that a Python file imports, wherever it does, with the line."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, each.name) for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: import it by its whole name"
            yield from ((node.lineno, f"{node.module}.{each.name}") for each in node.names)


def files(path: Path, types: bool = True) -> Iterator[tuple[int, Path]]:
    """Each file that a JavaScript module imports, with the line; `types`: in comments too."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not types and line.lstrip().startswith(("/", "*")):
            continue
        for found in re.finditer(r"""(?:from |import\()"([^"]+)\"""", line):
            assert found[1].startswith("."), f"{path}:{number}: {found[1]} is none of ours"
            yield number, (path.parent / found[1]).resolve()


def refused(where: str, what: str, room: str, other: str, allowed: str) -> str:
    return (
        f"{where} imports {what}: {room} may import {allowed or 'nothing'} and itself, not {other}:"
        f" move what both need into a room that both may enter, or pass it in"
    )


def test_python_imports_keep_to_the_arrows():
    wrong = []
    for path in modules(PACKAGE, ".py"):
        for line, name in imported(path):
            parts = name.split(".")
            if parts[0] != PACKAGE.name or len(parts) == 1:
                continue
            where = f"{path.relative_to(PACKAGE)}:{line}"
            of, other = room(path, PACKAGE), parts[1]
            if other in PYTHON and other != of and other not in PYTHON[of].split():
                wrong.append(refused(where, name, of, other, PYTHON[of]))
            if of == other == "summary" and len(parts) > 2:
                of, other = room(path, PACKAGE / "summary"), parts[2]
                if other in SUMMARY and other != of and other not in SUMMARY[of].split():
                    wrong.append(refused(where, name, of, other, SUMMARY[of]))
    assert not wrong, "\n".join(wrong)


def test_javascript_imports_keep_to_the_arrows():
    wrong = []
    for path in modules(STATIC, ".js"):
        for line, target in files(path):
            assert target.is_file(), f"{path}:{line}: no file {target}"
            of, other = room(path, STATIC), room(target, STATIC)
            if other != of and other not in BROWSER[of].split():
                where = f"{path.relative_to(STATIC)}:{line}"
                name = str(target.relative_to(STATIC))
                wrong.append(refused(where, name, of, other, BROWSER[of]))
    assert not wrong, "\n".join(wrong)


def test_javascript_modules_import_each_other_in_no_circle():
    imports = {path: [to for _, to in files(path, types=False)] for path in modules(STATIC, ".js")}
    done: set[Path] = set()

    def follow(path: Path, way: list[Path]) -> None:
        names = " -> ".join(str(each.relative_to(STATIC)) for each in [*way, path])
        assert path not in way, f"{names}: move what both need into a module of its own"
        if path not in done:
            for to in imports[path]:
                follow(to, [*way, path])
            done.add(path)

    for path in imports:
        follow(path, [])


def test_types_of_javascript_have_no_holes():
    """`tsc` refuses a type that is left out; these would be let through."""
    hole = re.compile(
        r"@ts-(ignore|nocheck|expect-error)|@(type|param|returns|property|typedef) \{[^\n]*\b(any|Function|Object)\b[^\n]*\}|\{\*\}"
    )
    for path in modules(STATIC, ".js"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            assert not hole.search(line), f"{path}:{number}: give it its type"


def test_modules_of_types_alone_are_imported_in_comments_alone():
    alone = {path for path in modules(STATIC, ".js") if path.read_text().endswith("\nexport {};\n")}
    assert STATIC / "types.js" in alone
    for path in modules(STATIC, ".js"):
        for line, to in files(path, types=False):
            assert to not in alone, f"{path}:{line}: a browser would load {to.name} for nothing"


@pytest.mark.parametrize(
    ("folder", "rooms"),
    [(PACKAGE, PYTHON), (PACKAGE / "summary", SUMMARY), (STATIC, BROWSER)],
    ids=["package", "summary", "static"],
)
def test_every_room_is_named_here_and_there_is_no_circle(folder, rooms):
    suffix = ".js" if folder == STATIC else ".py"
    there = {room(path, folder) for path in modules(folder, suffix)}
    assert there == set(rooms)
    # Each enters only what stands before it.
    above: list[str] = []
    for name, allowed in rooms.items():
        assert set(allowed.split()) <= set(above) | {"version"}, name
        above.append(name)


def test_a_room_says_what_it_is():
    for path in PACKAGE.rglob("__init__.py"):
        assert ast.get_docstring(ast.parse(path.read_text())), path


def test_the_documents_for_those_who_extend_it_use_one_address():
    documents = sorted((PACKAGE.parent / "docs" / "extending").glob("new-*.md"))
    assert documents
    for path in documents:
        used = re.findall(r"(?:from|import) (tensorboard_picasso[\w.]*)", path.read_text())
        assert set(used) == {"tensorboard_picasso.extend"}, path


def test_no_module_is_long_without_a_reason():
    wrong = []
    for path in [*modules(PACKAGE, ".py"), *modules(STATIC, ".js")]:
        name, lines = str(path.relative_to(PACKAGE)), len(path.read_text().splitlines())
        if lines > MOST and name not in LONG and not name.endswith("_pb2.py"):
            wrong.append(f"{name}: {lines} lines: part it by what it holds, or say why not in LONG")
    assert not wrong, "\n".join(wrong)
    assert all(LONG.values())


# What each framework's folder has, and why one lacks it; what it has for itself alone.
BACKEND = {"__init__", "adapter", "models", "layers", "ends", "arrival", "sweep"}
LACKING = {
    ("tensorflow", "layers"): "its models with named layers are Keras'",
    ("tensorflow", "arrival"): "its models that hold statistics are Keras'",
    ("jax", "arrival"): "the statistics that a Flax module holds are not looked at",
    ("jax", "sweep"): "a function shows no layers to reuse, and a whole pass is compiled",
    ("keras", "sweep"): "on PyTorch it is PyTorch's, on JAX none",
}
OWN = {
    "torch": {"blended", "confined", "dense", "device", "shards", "tokens"},
    "tensorflow": {"dense", "gradients"},
    "jax": {"dense", "device"},
    "keras": {"wrapped"},
}


def test_the_folders_of_frameworks_have_the_same_files():
    backends = PACKAGE / "summary" / "backends"
    folders = {each.name for each in backends.iterdir() if (each / "__init__.py").is_file()}
    assert folders == {"_common", *OWN}
    for name, own in OWN.items():
        there = {path.stem for path in (backends / name).glob("*.py")}
        assert there - own <= BACKEND, f"{name}: name files as the other folders do"
        lacks = {file for file in BACKEND if file not in there}
        assert lacks == {file for of, file in LACKING if of == name}, name
