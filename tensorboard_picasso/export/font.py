"""The font of pictures: Pillow's own, or one of the system's for the names that it lacks."""

import functools

from PIL import ImageFont

# Where a system has them: most scripts, then Chinese, Japanese and Korean.
SYSTEM = (
    "DejaVuSans.ttf",
    "NotoSansCJK-Regular.ttc",
    "Arial Unicode.ttf",
    "segoeui.ttf",
    "msyh.ttc",
)
# Pillow's own font holds little beyond ASCII.
PLAIN = str.maketrans({"−": "-", "–": "-", "∞": "inf", "×": "x"})


class Font:
    """One font in any size."""

    def __init__(self, names: str) -> None:
        """Choose the font that draws most characters of some names."""
        characters = frozenset(names)
        self._name = max(
            (None, *SYSTEM), key=lambda each: len(characters) - len(_lacked(each, characters))
        )

    def sized(self, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
        """The font in a size, pixels."""
        font = _load(self._name, size)
        return font if font is not None else ImageFont.load_default(size)

    def draws(self, text: str) -> bool:
        """Whether it has all characters of a text."""
        return not _lacked(self._name, frozenset(text))

    def words(self, text: str) -> str:
        """A text in characters that the font has, where there are others for the same."""
        return text if self._name else text.translate(PLAIN)


@functools.cache
def _load(name: str | None, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont | None:
    try:
        return ImageFont.truetype(name, size) if name else ImageFont.load_default(size)
    except OSError:
        return None


def _lacked(name: str | None, characters: frozenset[str]) -> frozenset[str]:
    font = _load(name, 12)
    if font is None:
        return characters
    # What is no character shows what the font draws for those that it lacks.
    nothing = bytes(font.getmask("\U0010ffff"))
    return frozenset(
        character
        for character in characters
        if not character.isspace() and bytes(font.getmask(character)) == nothing
    )
