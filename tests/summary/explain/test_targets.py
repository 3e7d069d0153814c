import numpy as np
import pytest

from tensorboard_picasso.summary.explain.targets import Targets, over_all


def heads(*order, classes=10):
    """Scores with these classes at the head."""
    value = np.zeros(classes)
    value[list(order)] = np.arange(len(order), 0, -1)
    return value


def step(targets, scores, label=()):
    choice = targets.choose(label, scores)
    targets.commit(choice)
    return choice


def test_label_then_the_callers_then_the_top_without_repeats():
    choice = Targets([4, 7], top_k=2).choose((7,), heads(3, 4))
    assert choice.targets == (7, 4, 3)
    assert choice.lasting == ()


def test_a_class_lasts_once_it_headed_three_checkpoints_in_a_row():
    targets = Targets(top_k=1)
    assert step(targets, heads(3)).lasting == ()
    assert step(targets, heads(3)).lasting == ()
    assert step(targets, heads(5)).lasting == ()  # the row is broken
    assert [step(targets, heads(3)).lasting for _ in range(3)] == [(), (), (3,)]
    assert step(targets, heads(5)).targets == (5, 3)


def test_label_and_the_callers_classes_take_no_place():
    targets = Targets([3], top_k=1, max_lasting=1)
    for _ in range(3):
        assert step(targets, heads(3), label=(2,)).lasting == ()
    for _ in range(3):
        assert step(targets, heads(2), label=(2,)).lasting == ()


def test_a_full_list_drops_the_longest_unused_and_says_so():
    targets = Targets(top_k=1, max_lasting=2)
    for head in (1, 2):
        for _ in range(3):
            choice = step(targets, heads(head))
    assert choice.lasting == (1, 2)
    assert step(targets, heads(1)).lasting == (2, 1)  # used again
    for _ in range(2):
        assert step(targets, heads(3)).dropped == ()
    choice = step(targets, heads(3))
    assert (choice.lasting, choice.dropped) == ((1, 3), (2,))
    assert step(targets, heads(3)).dropped == ()


def test_no_place_for_lasting_classes_drops_none():
    targets = Targets(top_k=1, max_lasting=0)
    choices = [step(targets, heads(3)) for _ in range(4)]
    assert {(each.lasting, each.dropped) for each in choices} == {((), ())}


def test_a_checkpoint_that_was_not_written_does_not_count():
    targets = Targets(top_k=1)
    step(targets, heads(3))
    step(targets, heads(3))
    assert targets.choose((), heads(3)).lasting == (3,)
    step(targets, heads(5))
    assert step(targets, heads(3)).lasting == ()


def test_nothing_heads_where_all_scores_are_nan():
    targets = Targets(top_k=2)
    for _ in range(4):
        choice = step(targets, np.full(4, np.nan), label=(1,))
        assert choice.lasting == ()
    assert choice.targets[0] == 1


def test_a_class_that_the_model_has_not_is_named():
    with pytest.raises(ValueError, match="class 10 is out of range: the model has 10"):
        Targets().choose((10,), heads(1))
    with pytest.raises(ValueError, match="class 12 is out of range"):
        Targets([12]).choose((), heads(1))


def test_one_set_over_all_checkpoints():
    """Label and list, the last top two, then what headed the prediction elsewhere."""
    scores = np.array(
        [[0, 1, 2, 3, 0, 9], [0, 9, 2, 3, 0, 1], [0, 9, 2, 3, 0, 1], [0, 1, 9, 8, 7, 1]], float
    )
    found = over_all((0,), (4,), scores, 2, 8)
    assert (found.targets, found.lasting) == ((0, 4, 2, 3, 1, 5), (1, 5))
    assert over_all((0,), (4,), scores, 2, 1).targets == (0, 4, 2, 3, 1)
    broken = np.vstack([scores, np.full(6, np.nan)])
    assert over_all((0,), (4,), broken, 2, 8) == found
    assert over_all((), (), broken[4:], 2, 8).targets == (0, 1)
    assert found.choose((0,), scores[0]).targets == found.targets
    assert found.choose((0,), scores[0]).head == 5
    with pytest.raises(ValueError, match="class 6"):
        over_all((6,), (), scores, 2, 8)
