"""What a process takes, as /proc has it: `python -m tests.attack.tools.taken LOGDIR ROUTE?QUERY …`.

Prints for each request its status, the bytes of its answer, and the most memory that the process
took since it began to answer, in bytes. With `--at-once` all are asked for together.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.attack.tools.app import App


def memory(name: str) -> int:
    """Of this process, as `VmHWM`, the most it ever took, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) << 10
    raise LookupError(name)


def main() -> None:
    together = sys.argv[1] == "--at-once"
    logdir, *requests = sys.argv[1 + together :]
    app = App(Path(logdir))
    before = memory("VmRSS")

    def ask(request: str) -> None:
        route, _, query = request.partition("?")
        status, body = app.get(route, query)
        said = body[:200].decode(errors="replace") if status != 200 else ""
        line = json.dumps([status, len(body), memory("VmHWM") - before, said])
        sys.stdout.write(f"{line}\n")  # at once, as threads do it side by side
        sys.stdout.flush()

    with ThreadPoolExecutor(len(requests) if together else 1) as pool:
        list(pool.map(ask, requests))


if __name__ == "__main__":
    main()
