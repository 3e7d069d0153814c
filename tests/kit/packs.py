"""Reads packs in tests, independently of the browser."""

import json
from collections.abc import Callable, Iterator

import numpy as np

TYPES = {"f4": "<f4", "f8": "<f8", "i2": "<i2", "i4": "<i4", "i8": "<i8", "u1": "u1"}


def read(data: bytes) -> dict:
    """The header with every reference replaced by its numbers, and columns by records."""
    assert data[:4] == b"PICP"
    length = int.from_bytes(data[4:8], "little")
    body = data[8 + length :]

    def filled(value: object) -> object:
        if isinstance(value, dict):
            if set(value) == {"at", "length", "type"}:
                return np.frombuffer(body, TYPES[value["type"]], value["length"], value["at"])
            return {key: filled(each) for key, each in value.items()}
        if isinstance(value, list):
            return [filled(each) for each in value]
        return value

    header = filled(json.loads(data[8 : 8 + length]))
    for image in header.get("images", ()):
        if "epochs" in image:
            image["records"] = list(scores(header, image))
        elif "grids" in image:
            image["records"] = list(attributions(header, image))
    return header


def cut(numbers: np.ndarray) -> Callable[[int], np.ndarray]:
    """What hands out the next so many numbers of a column."""
    at = 0

    def take(count: int) -> np.ndarray:
        nonlocal at
        at += count
        assert at <= len(numbers)
        return numbers[at - count : at]

    return take


def scores(header: dict, image: dict) -> Iterator[dict]:
    """The records of an image's scores."""
    columns = {name: cut(image[name]) for name in ("values", "moves", "flips", "predicted")}
    places = zip(
        image["steps"].tolist(), image["walls"].tolist(), image["epochs"].tolist(),
        image["hashes"], image["settings"], image["explained"], strict=True,
    )  # fmt: skip
    for step, wall, epoch, digest, settings, explained in places:
        of = header["settings"][settings]
        count = of["class_count"] if of["classes"] is None else len(of["classes"])
        values, hidden = columns["values"](count), []
        for each in of["hidden"]:
            told = {"values": columns["values"](count)}
            move = {name: columns[name](1)[0].item() for name in ("moves", "flips", "predicted")}
            known = not np.isnan(move["moves"])
            move["flips"] = bool(move["flips"])
            hidden.append({**each, **told, **(move if known else dict.fromkeys(move))})
        yield {
            "step": step, "wall": wall, "epoch": None if np.isnan(epoch) else epoch,
            "hash": header["hashes"][digest], **of, "values": values, "hidden": hidden,
            **header["explained"][explained],
        }  # fmt: skip


def attributions(header: dict, image: dict) -> Iterator[dict]:
    """The records of a method of an image."""
    statistics, whole = cut(image["statistics"]), cut(image["whole"])
    grids, agreements = cut(image["grids"]["values"]), cut(image["seconds"]["agreements"])
    with_grid = image["grids"]["records"].tolist()
    seeds = dict(
        zip(image["seconds"]["records"].tolist(), image["seconds"]["seeds"].tolist(), strict=True)
    )
    places = zip(
        image["steps"].tolist(), image["walls"].tolist(), image["hashes"], image["settings"],
        image["targets"], strict=True,
    )  # fmt: skip
    for at, (step, wall, digest, settings, targets) in enumerate(places):
        of, classes = header["settings"][settings], header["targets"][targets]
        geometry, second = of["geometry"], None
        sides = [len(geometry[name]) for name in ("tops", "lefts", "classes")] if geometry else []
        if geometry and "fronts" in geometry:
            sides[0] *= len(geometry["fronts"])
        if geometry and "segments" in geometry:
            sides[:2] = [geometry["segments"]["count"], 1]
        rows = statistics(len(classes) * (len(header["statistics"]) + 3 * len(of["regions"])))
        held = whole(sides[-1]) if geometry else None
        grid = grids(int(np.prod(sides))) if at in with_grid else None
        if at in seeds:
            second = {"seed": seeds[at], "agreement": agreements(len(classes))}
        yield {
            "step": step, "wall": wall, "hash": header["hashes"][digest], "settings": int(settings),
            "targets": classes, "statistics": rows, "whole": held, "grid": grid, "second": second,
        }  # fmt: skip
