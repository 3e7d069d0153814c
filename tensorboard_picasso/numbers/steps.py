"""Steps: whole numbers of 64 bits."""


def exact(whole: int) -> int | str:
    """A whole number for JSON: as text where JavaScript's numbers would round it."""
    return whole if abs(whole) < 1 << 53 else str(whole)
