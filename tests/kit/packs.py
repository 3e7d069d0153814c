"""Reads packs in tests, independently of the browser."""

import json

import numpy as np

TYPES = {"f4": "<f4", "f8": "<f8", "i8": "<i8", "u1": "u1"}


def read(data: bytes) -> dict:
    """The header with every reference replaced by its numbers."""
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

    return filled(json.loads(data[8 : 8 + length]))
