"""Schedules fire when a due step is reached or crossed."""

from itertools import pairwise

import numpy as np
import pytest

from tensorboard_picasso import summary


def fired(schedule, steps):
    """The steps at which a schedule fires, asked at these ones."""
    return [
        step for before, step in zip([0, *steps], steps, strict=False) if schedule.due(before, step)
    ]


def test_every_so_many_steps():
    assert fired(summary.EverySteps(5), range(1, 13)) == [5, 10]
    assert fired(summary.EverySteps(5), range(3, 20, 3)) == [6, 12, 15]
    assert summary.EverySteps(5).next(12) == "next at step 15"


def test_log_spaced_is_dense_early_and_sparse_late():
    assert fired(summary.LogSpaced(1), range(1, 1001)) == [1, 10, 100, 1000]
    assert fired(summary.LogSpaced(3), range(1, 101)) == [1, 2, 5, 10, 22, 46, 100]
    assert fired(summary.LogSpaced(50), range(1, 9)) == list(range(1, 9))
    assert fired(summary.LogSpaced(1), range(7, 300, 7)) == [7, 14, 105]
    assert summary.LogSpaced(1).next(10) == "next at step 100"


def test_every_so_many_epochs():
    schedule = summary.EveryEpochs(3)
    assert [epoch for epoch in range(1, 10) if schedule.epoch_due(epoch)] == [3, 6, 9]
    assert fired(schedule, range(1, 50)) == []


def test_next_is_when_it_fires():
    for schedule in (summary.EverySteps(7), summary.LogSpaced(20)):
        steps = fired(schedule, range(1, 2000))
        for before, after in pairwise(steps):
            assert schedule.next(before) == f"next at step {after}"


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "3"])
def test_wrong_numbers_are_named(value):
    for schedule in (summary.EverySteps, summary.EveryEpochs, summary.LogSpaced):
        with pytest.raises(ValueError, match="pass a whole number from 1"):
            schedule(value)


def test_a_numpy_integer_is_a_number_of_steps():
    assert summary.EverySteps(np.int64(5)) == summary.EverySteps(5)
    with pytest.raises(ValueError, match="pass a whole number from 1"):
        summary.EverySteps(2.5)
