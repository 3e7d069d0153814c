"""Colours stay apart for every eye: palettes stay in order, runs and classes are told apart.

Colour blindness is simulated by the matrices of Machado, Oliveira and Fernandes, "A
physiologically-based model for simulation of color vision deficiency", 2009, at severity 1.
"""

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import tensorboard_picasso
from tensorboard_picasso.numbers.palettes import PALETTES
from tests.numbers.test_palettes import linear

STATIC = Path(tensorboard_picasso.__file__).parent / "static"
EYES = {
    "trichromat": np.eye(3),
    "protanope": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                  [-0.003882, -0.048116, 1.051998]],
    "deuteranope": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                    [-0.011820, 0.042940, 0.968881]],
    "tritanope": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                  [0.004733, 0.691367, 0.303900]],
}  # fmt: skip
GROUNDS = {"light": (255, 255, 255), "dark": (28, 31, 35)}


def seen(rgb, eye):
    """CIELAB (D65) of sRGB bytes as an eye sees them."""
    to_xyz = np.array([[0.4124564, 0.3575761, 0.1804375],
                       [0.2126729, 0.7151522, 0.0721750],
                       [0.0193339, 0.1191920, 0.9503041]])  # fmt: skip
    light = np.clip(linear(rgb) @ np.array(EYES[eye]).T, 0, 1)
    x, y, z = np.moveaxis(np.cbrt(light @ to_xyz.T / to_xyz.sum(1)), -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def colours(name):
    """Colours of lines as chart.js has them."""
    found = re.search(rf"export const {name} = \[(.*?)\]", (STATIC / "kit/chart.js").read_text())
    return [tuple(bytes.fromhex(each)) for each in re.findall(r"#([0-9a-f]{6})", found[1])]


def least_apart(rgb, eye):
    points = seen(rgb, eye)
    return min(np.linalg.norm(a - b) for a, b in combinations(points, 2))


@pytest.mark.parametrize("eye", EYES)
def test_runs_are_told_apart(eye):
    runs = colours("RUNS")
    assert len(runs) == 8
    # A difference of 10 is seen at a glance; the first runs are those that are compared most.
    for count, least in ((2, 30), (4, 20), (6, 13), (8, 12)):
        assert least_apart(runs[:count], eye) > least


@pytest.mark.parametrize("eye", EYES)
def test_classes_and_fills_are_told_apart(eye):
    assert least_apart(colours("LINES"), eye) > 15


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("name", ["RUNS", "LINES"])
def test_lines_are_seen_on_their_ground(name, ground):
    """3 : 1, what WCAG 2.1 asks of graphics (1.4.11)."""
    weights = [0.2126, 0.7152, 0.0722]
    line, below = linear(colours(name)) @ weights, linear(GROUNDS[ground]) @ weights
    assert ((np.maximum(line, below) + 0.05) / (np.minimum(line, below) + 0.05)).min() >= 3


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("name", PALETTES)
def test_larger_values_are_darker_or_lighter_throughout(name, eye):
    palette = PALETTES[name]
    lightness = seen(palette.colours, eye)[:, 0]
    arms = (lightness[128:], lightness[127:0:-1]) if palette.signed else (lightness,)
    for arm in arms:
        steps = np.diff(arm[::16])
        assert (steps < 0).all() or (steps > 0).all()


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("name", [each.name for each in PALETTES.values() if each.signed])
def test_for_and_against_are_told_apart(name, eye):
    palette = PALETTES[name]
    for level in (8, 32, 64, 127):
        assert least_apart(palette.colours[[128 + level, 128 - level]], eye) > 20
    assert least_apart(palette.beyond, eye) > 20
