"""Floats as distances: what is stored, by hand, and that every bit comes back."""

import zlib

import numpy as np
import pytest

from tensorboard_picasso.numbers import distances


def up(value: float, steps: int = 1) -> np.float32:
    result = np.float32(value)
    for _ in range(abs(steps)):
        result = np.nextafter(result, np.float32(np.copysign(np.inf, steps)))
    return result


def stored(values, near) -> list[int]:
    """The distances as the bytes say: those of most weight first."""
    plain = zlib.decompress(distances.pack(np.array(values, np.float32), np.float32(near)))
    return [int.from_bytes(plain[k :: len(values)], "big") for k in range(len(values))]


@pytest.mark.parametrize("near", [1.5, -1.5, 3e38, -1e-40])
def test_a_distance_counts_the_floats_between_and_none_is_0_down_is_odd(near):
    values = [near, up(near, -1), up(near, 1), up(near, -2), up(near, 300)]
    assert stored(values, near) == [0, 1, 2, 3, 600]


def test_minus_zero_is_one_below_zero_and_infinity_next_to_the_largest():
    assert stored([-0.0, 1e-45, -1e-45], 0.0) == [1, 2, 3]
    assert stored([np.inf], np.finfo(np.float32).max) == [2]


def test_bytes_of_one_weight_are_together():
    near = np.float32(1.0)
    values = np.array([up(1.0, 0x123), up(1.0, -0x45)], np.float32)
    plain = zlib.decompress(distances.pack(values, near))
    assert plain == bytes([0, 0, 0, 0, 0x02, 0x00, 0x46, 0x89])


def test_every_bit_comes_back_from_any_other_float():
    bits = np.random.default_rng(0).integers(0, 1 << 32, 4096, np.uint32)
    values = bits.view(np.float32)  # with NaNs of many kinds
    near = bits[::-1].copy().view(np.float32)
    plain = zlib.decompress(distances.pack(values, near))
    assert len(plain) == distances.packed_size(values.shape)
    back = distances.unpack(plain, values.shape, near)
    np.testing.assert_array_equal(back.view(np.uint32), bits)


def test_one_float_may_stand_near_many():
    values = np.random.default_rng(0).normal(size=(3, 2, 4)).astype(np.float32)
    near = values[0, 0]
    plain = zlib.decompress(distances.pack(values.transpose(1, 0, 2), near))
    back = distances.unpack(plain, (2, 3, 4), near)
    np.testing.assert_array_equal(back, values.transpose(1, 0, 2))
