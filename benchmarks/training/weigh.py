"""Logs of many checkpoints, made of the few that were measured, and who serves them."""

import json
import os
import time
import urllib.parse
from dataclasses import replace
from pathlib import Path
from typing import Any

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

from benchmarks.training import IMAGES
from benchmarks.training.measure import events
from tensorboard_picasso.stored import metadata
from tensorboard_picasso.stored.metadata import PLUGIN_NAME, Kind
from tests.kit import packs, serving

# The default loader's data server; the rest of TensorBoard is Python.
SERVER = "tensorboard_data_server"
# Maps that are read: as many as one answer holds.
MAPS = 512


def repeat(source: Path, target: Path, count: int) -> int:
    """A log of so many checkpoints: those of another in turn; its bytes.

    Where it has fewer images than a probe, they are repeated too.
    """
    every = events(source)
    target.mkdir(parents=True)
    path = target / "events.out.tfevents.1.repeated"
    summaries = [_whole(each.summary, inputs=False) for each in every[1:]]
    with path.open("wb") as file:
        writer = RecordWriter(file)
        writer.write(event_pb2.Event(wall_time=1, file_version="brain.Event:2").SerializeToString())
        for step in range(count):
            given = summaries[step % len(summaries)]
            if not step:
                given = _whole(every[0].summary, inputs=True)
            event = event_pb2.Event(step=step, wall_time=1000 + step, summary=given)
            writer.write(event.SerializeToString())
    return path.stat().st_size


def _whole(given: summary_pb2.Summary, inputs: bool) -> summary_pb2.Summary:
    """A summary of as many images as a probe has."""
    result = summary_pb2.Summary()
    found = [(metadata.parse(each.metadata.plugin_data.content), each) for each in given.value
             if each.metadata.plugin_data.plugin_name == PLUGIN_NAME]  # fmt: skip
    count = 1 + max(series.image for series, _ in found)
    for series, value in found:
        if series.kind is Kind.INPUT and not inputs:
            continue
        for image in range(series.image, series.image + 1 if series.kind is Kind.MEAN else IMAGES,
                           count):  # fmt: skip
            copy = replace(series, image=image)
            result.value.add(tag=copy.tag, tensor=value.tensor, metadata=copy.summary_metadata())
    return result


def served(folder: Path, label: str, maps: str) -> dict[str, Any]:
    """Resident megabytes of a TensorBoard on a log: Python, and the data server.

    Args:
      label: of the method whose grids are read.
      maps: of the method whose maps are read.

    Returns:
      loaded: before anything but the index is read. read: after all scores, all records of
      two methods, all grids and some maps of one run.
    """
    with serving.tensorboard(folder, seconds=240, program=serving.OWN) as url:
        loaded = _settled(url)
        (run,) = _runs(url)
        probe = run["probes"][0]["name"]
        base = {"run": run["name"], "probe": probe}

        def read(route: str, **query: str) -> dict[str, Any]:
            text = urllib.parse.urlencode({**base, **query})
            status, body, _ = serving.get(f"{url}data/plugin/picasso/{route}?{text}")
            if status != 200:
                raise RuntimeError(f"{route}: {body!r}")
            return packs.read(body)

        read("inputs", pngs="true")
        read("scores")
        read("attributions", label=label, grids="all")
        about = read("attributions", label=maps)
        of = [
            f"{each['image']}:{record['step']}:{record['wall']!r}"
            for each in about["images"]
            for record in each["records"]
        ]
        read("maps", label=maps, of=",".join(of[:: max(1, len(of) // MAPS)][:MAPS]))
        return {"loaded": loaded, "read": megabytes()}


def _runs(url: str) -> list[dict[str, Any]]:
    _, body, _ = serving.get(f"{url}data/plugin/picasso/index")
    runs: list[dict[str, Any]] = json.loads(body)["runs"]
    return runs


def _settled(url: str) -> dict[str, float]:
    """Memory once it does not grow any more: the log is read."""
    last = -1.0
    while True:
        found = megabytes()
        if found["server"] <= last * 1.01:
            return found
        last = found["server"]
        time.sleep(3)


def megabytes() -> dict[str, float]:
    """Resident memory of this process's descendants that serve."""
    found = {"python": 0.0, "server": 0.0}
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            command = (process / "cmdline").read_text()
            status = (process / "status").read_text()
            if "tensorboard" in command and _descends(int(process.name)):
                kind = "server" if SERVER in command else "python"
                found[kind] += int(status.split("VmRSS:")[1].split()[0]) / 1000
        except (OSError, IndexError):
            continue
    return found


def _descends(pid: int) -> bool:
    while pid > 1:
        pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        if pid == os.getpid():
            return True
    return False
