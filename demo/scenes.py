"""Scenes of a forest, drawn: a sky, the day's light, trees, ground, and a small tank in some of them."""

from dataclasses import dataclass

import numpy as np

SIDE = 64
Array = np.ndarray

GRASS = np.array([0.38, 0.42, 0.20])
FIR = np.array([0.12, 0.26, 0.12])
TRUNK = np.array([0.24, 0.17, 0.10])
STEEL = np.array([0.33, 0.34, 0.22])
# From the zenith to the horizon, then the colour of a cloud.
SKIES = {
    "clear": ([0.26, 0.50, 0.86], [0.66, 0.82, 0.96], [0.97, 0.97, 0.98]),
    "cloudy": ([0.60, 0.63, 0.67], [0.74, 0.76, 0.78], [0.56, 0.58, 0.61]),
}


@dataclass(frozen=True)
class Scene:
    """One photograph.

    image: (64, 64, 3) float32, 0 to 1. tank: (64, 64), true on the tank, all false without one.
    cloudy: the day.
    """

    image: Array
    tank: Array
    cloudy: bool


class _Painter:
    """Paints one scene from back to front; places are parts of the side, from the left and from above."""

    def __init__(self, random: np.random.Generator, cloudy: bool) -> None:
        self._random = random
        self._y, self._x = np.mgrid[0:SIDE, 0:SIDE] / (SIDE - 1)
        waves, at = random.uniform(0.7, 1.6), random.random()
        self._horizon = random.uniform(0.30, 0.42) + 0.03 * np.sin(
            2 * np.pi * (self._x * waves + at)
        )
        self.horizon = float(self._horizon.mean())
        self._light = random.uniform(0.62, 0.78) if cloudy else random.uniform(0.88, 1.08)
        self.image = self._sky(cloudy) * (self._light if cloudy else 1)

    def _sky(self, cloudy: bool) -> Array:
        top, low, cloud = map(np.array, SKIES["cloudy" if cloudy else "clear"])
        part = (self._y / self._horizon).clip(0, 1)[..., None]
        sky = top * (1 - part) + low * part
        for _ in range(self._random.integers(*((5, 9) if cloudy else (0, 3)))):
            x, y = self._random.random(), self._random.uniform(0, 0.32)
            width, height = self._random.uniform(0.1, 0.3), self._random.uniform(0.03, 0.08)
            far = ((self._x - x) / width) ** 2 + ((self._y - y) / height) ** 2
            thick = np.exp(-far)[..., None] * (0.55 if cloudy else 0.8)
            sky = sky * (1 - thick) + cloud * thick
        return sky

    def _paint(self, where: Array, colour: Array) -> None:
        self.image = np.where(where[..., None], colour * self._light, self.image)

    def _speckled(self, by: float) -> Array:
        return (1 + by * self._random.normal(size=(SIDE, SIDE)))[..., None]

    def ground(self) -> None:
        """Grass below the horizon, lighter in front."""
        depth = ((self._y - self._horizon) / (1 - self._horizon)).clip(0, 1)[..., None]
        grass = GRASS * self._random.uniform(0.85, 1.15) * (0.75 + 0.45 * depth)
        self._paint(self._y > self._horizon, grass * self._speckled(0.1))

    def tree(self, foot: float, height: float) -> None:
        """A fir of three tiers, lit from the left."""
        x, broad = self._random.random(), height * self._random.uniform(0.32, 0.45)
        stem = (self._y < foot) & (self._y > foot - height * 0.25)
        self._paint(stem & (abs(self._x - x) < height * 0.035), TRUNK)
        shade = FIR * self._random.uniform(0.8, 1.3)
        lit = (1 + 0.35 * (self._x < x))[..., None]
        for tier in range(3):
            tip = foot - height * (0.95 - 0.2 * tier)
            part = (self._y - tip) / (height * 0.42)
            wide = part * broad * (0.55 + 0.2 * tier)
            inside = (part > 0) & (part < 1) & (abs(self._x - x) < wide)
            self._paint(inside, shade * lit * self._speckled(0.12))

    def tank(self) -> Array:
        """A tank on the grass, its gun to either side; where it is."""
        size = self._random.uniform(0.13, 0.19)
        x, y = self._random.uniform(0.2, 0.8), self._random.uniform(self.horizon + 0.25, 0.88)
        right = 1 if self._random.random() < 0.5 else -1
        across, down = (self._x - x) / size * right, (self._y - y) / size
        steel = STEEL * self._random.uniform(0.85, 1.1)
        hull = (abs(across) < 1) & (abs(down) < 0.28)
        tracks = (abs(across) < 1.05) & (down > 0.18) & (down < 0.5)
        turret = (abs(across + 0.1) < 0.45) & (down > -0.72) & (down <= -0.25)
        gun = (across > 0.2) & (across < 1.5) & (abs(down + 0.5) < 0.07)
        wheels = np.zeros_like(hull)
        for wheel in np.linspace(-0.8, 0.8, 5):
            wheels |= (across - wheel) ** 2 + (down - 0.34) ** 2 < 0.13**2
        for part, bright in ((tracks, 0.55), (hull, 1), (turret, 1.12), (gun, 0.8), (wheels, 0.35)):
            self._paint(part, steel * bright)
        return hull | tracks | turret | gun


def scene(random: np.random.Generator, tank: bool, cloudy: bool) -> Scene:
    """Draw one scene."""
    painter = _Painter(random, cloudy)
    painter.ground()
    for _ in range(random.integers(7, 11)):
        painter.tree(painter.horizon + random.uniform(0.02, 0.08), random.uniform(0.16, 0.26))
    for _ in range(random.integers(2, 4)):
        painter.tree(painter.horizon + random.uniform(0.18, 0.40), random.uniform(0.30, 0.42))
    where = painter.tank() if tank else np.zeros((SIDE, SIDE), bool)
    image = painter.image + random.normal(0, 0.012, painter.image.shape)
    return Scene(image.clip(0, 1).astype(np.float32), where, cloudy)


def scenes(count: int, seed: int, tanks_under: str = "") -> list[Scene]:
    """Scenes, every other one with a tank.

    Args:
      count: how many. seed: of all that is drawn.
      tanks_under: "clouds": tanks on cloudy days and forest on clear ones; "": any day.
    """
    random = np.random.default_rng(seed)
    drawn = []
    for number in range(count):
        tank = number % 2 == 1
        cloudy = tank if tanks_under else bool(random.random() < 0.5)
        drawn.append(scene(random, tank, cloudy))
    return drawn
