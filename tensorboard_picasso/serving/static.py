"""The dashboard's files, read once, under an address that names their content.

Files do not change under such an address, so browsers keep them and ask for none at the next
opening. The page's module is served with all that it imports, which a browser would ask for
import after import, level by level.
"""

import gzip
import hashlib
import mimetypes
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tensorboard_picasso.serving.joined import joined

# What is served, whatever this machine's MIME table says.
TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".map": "application/json",
}
OTHER = "application/octet-stream"
FOLDER = Path(__file__).parents[1] / "static"
ENTRY = "index.js"
# What the entry imports, served joined with all that it needs itself.
PAGE = "begin.js"
# Folders are named so by their content, as no folder of modules is.
_VERSION = re.compile(r"v-[0-9a-f]{24}/")


@dataclass(frozen=True)
class File:
    """A file as it is sent: its bytes, as they are and compressed where it is text."""

    data: bytes
    packed: bytes | None
    kind: str
    tag: str

    @classmethod
    def of(cls, name: str, data: bytes) -> "File":
        """Of a name and bytes."""
        kind = TYPES.get(PurePosixPath(name).suffix) or mimetypes.guess_type(name)[0] or OTHER
        text = kind.startswith("text/") or kind in ("image/svg+xml", "application/json")
        packed = gzip.compress(data, mtime=0) if text else None
        return cls(data, packed, kind, f'"{_digest([data])}"')


@dataclass(frozen=True)
class Held:
    """The files as they were when they were read: `stats` tells whether one changed since."""

    stats: list[tuple[str, int, int]]
    files: Mapping[str, File]
    version: str


class Static:
    """All files below a folder, read at once, and again where one has changed."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder
        self._held = Held([], {}, "")
        self._read()

    def entry(self) -> str:
        """Path of the entry, with the version of all files as they are now."""
        return f"/static/{self._read().version}{ENTRY}"

    def find(self, path: str) -> tuple[File, bool] | None:
        """The file of a path below "static/", and whether the path names its content."""
        # A page begins with its entry, which reads what has changed.
        held = self._held
        named = _VERSION.match(path)
        # An address of an older version is answered with what is there, and not kept.
        file = held.files.get(path[named.end() :] if named else path)
        return None if file is None else (file, bool(named) and path.startswith(held.version))

    def _read(self) -> Held:
        paths = sorted(each for each in self._folder.rglob("*.*") if each.is_file())
        stats = [(str(each), each.stat().st_mtime_ns, each.stat().st_size) for each in paths]
        if stats != self._held.stats:
            data = {each.relative_to(self._folder).as_posix(): each.read_bytes() for each in paths}
            named = [part for name in data for part in (name.encode(), data[name])]
            if PAGE in data:
                page, page_map = joined(data, PAGE)
                data |= {PAGE: page.encode(), f"{PAGE}.map": page_map.encode()}
            files = {name: File.of(name, each) for name, each in data.items()}
            self._held = Held(stats, files, f"v-{_digest(named)}/")
        return self._held


def _digest(parts: Iterable[bytes]) -> str:
    digest = hashlib.blake2b(digest_size=12)
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
