import numpy as np
import pytest

from tensorboard_picasso.summary.probe import labels

NAMES = ("cat", "dog", "owl")


@pytest.mark.parametrize(
    "given",
    [
        ["cat", "dog", "owl"],
        NAMES,
        np.array(["cat", "dog", "owl"]),
        {2: "owl", 0: "cat", 1: "dog"},
        [b"cat", "dog", "owl"],
        (each for each in NAMES),
    ],
)
def test_class_names_in_every_form(given):
    assert labels.class_names(given) == NAMES


def test_classes_without_a_name_get_their_index():
    assert labels.class_names({3: "owl", 1: "dog"}) == ("0", "dog", "2", "owl")
    assert labels.class_names(range(3)) == ("0", "1", "2")
    assert labels.class_names(None) == ()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("cat", "class_names='cat': pass a list of names"),
        (10, "class_names=10: pass a list of names"),
        ([1.5], "class name 1.5 is a float: pass strings"),
        ({"cat": 0}, "class_names key 'cat' is no class index"),
        ({-1: "cat"}, "class_names key -1 is negative"),
    ],
)
def test_wrong_class_names_raise(given, message):
    with pytest.raises((TypeError, ValueError), match=message):
        labels.class_names(given)


@pytest.mark.parametrize(
    "given",
    [
        [1, 0, 2],
        np.array([1, 0, 2], np.uint8),
        np.array([1.0, 0.0, 2.0], np.float32),
        np.array([[1], [0], [2]]),
        np.eye(3)[[1, 0, 2]],
        ["dog", "cat", "owl"],
        np.array(["dog", "cat", "owl"]),
    ],
)
def test_labels_in_every_form(given):
    assert labels.labels(given, NAMES, 3) == labels.Labels(((1,), (0,), (2,)))


@pytest.mark.parametrize(
    ("given", "names", "message"),
    [
        ([1, 0], NAMES, "labels: 2 for 3 images: pass one an image"),
        (1, NAMES, "labels: a single value for 3 images"),
        ([1, 0, 3], NAMES, "label of image 2: 3 is not below 3, the number of class_names"),
        ([1, -1, 0], (), "label of image 1: -1 is negative"),
        (["cat", "cow", "dog"], NAMES, r"'cow'.* is not in class_names \(cat, dog, owl\)"),
        (
            ["cat", "dog", "dog"],
            ("cat", "dog", "dog"),
            "is in class_names twice .*: pass its index",
        ),
        (["cat", "cat", "cat"], (), "'cat'.* is a name: pass class_names= too"),
        (np.array([[2, 1], [0, 1], [1, 0]]), (), "beside 0 and 1: pass lists of ints where"),
        ([[0, 3], [], [1]], NAMES, "label of image 0: 3 is not below 3"),
        ([["cat"], ["cow"], []], NAMES, r"label of image 1: 'cow' is not in class_names"),
        (np.zeros((3, 2, 2)), (), r"labels has shape \(3, 2, 2\)"),
    ],
)
def test_wrong_labels_raise(given, names, message):
    with pytest.raises((TypeError, ValueError), match=message):
        labels.labels(given, names, 3)


@pytest.mark.parametrize(
    "given",
    [
        np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0]]),
        np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0]], bool),
        [[1.0, 0.0, 1.0], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0]],
        [[2, 0], [], [1]],
        [("owl", "cat"), (), ("dog",)],
        [{2, 0}, set(), {1}],
        [np.array([0, 2]), np.array([], int), np.array([1])],
    ],
)
def test_several_labels_in_every_form(given):
    assert labels.labels(given, NAMES, 3) == labels.Labels(((0, 2), (), (1,)), several=True)


def test_lists_of_equal_length_are_classes_where_they_cannot_be_rows():
    assert labels.labels([[0, 1], [2, 1]], NAMES, 2) == labels.Labels(((0, 1), (1, 2)), True)
    assert labels.labels([["cat", "dog"]], NAMES, 1) == labels.Labels(((0, 1),), True)
    # A rectangle of 0 and 1 is rows: here of two classes, one true.
    assert labels.labels([[0, 1], [1, 0]], (), 2) == labels.Labels(((1,), (0,)))


@pytest.mark.parametrize(
    ("given", "raw", "values"),
    [
        ([1.0, 0.5, -3.0], False, ((1.0,), (0.5,), (-3.0,))),
        (np.array([[23.0], [41.5], [7.0]]), False, ((23.0,), (41.5,), (7.0,))),
        (np.array([23.0, 41.0, 7.0]), True, ((23.0,), (41.0,), (7.0,))),
        ([[0.5, 7], [1, 2], [3, 4]], False, ((0.5, 7.0), (1.0, 2.0), (3.0, 4.0))),
        (np.eye(3)[[1, 0, 2]], True, ((0.0, 1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0))),
    ],
)
def test_numbers_that_are_no_classes_are_values(given, raw, values):
    assert labels.labels(given, (), 3, raw) == labels.Labels(None, values=values)


def test_integers_are_classes_of_raw_outputs_too():
    assert labels.labels([1, 0], (), 2, raw=True) == labels.Labels(((1,), (0,)))


def test_the_likeliest_class_of_smoothed_or_mixed_labels_is_the_true_one():
    given = [[0.9, 0.1], [0, 1], [0.4, 0.6]]
    assert labels.labels(given, (), 3) == labels.Labels(((0,), (1,), (1,)))


@pytest.mark.parametrize("rows", [np.array([[2, 1], [0, 1]]), [np.array([2, 1]), np.array([0, 1])]])
def test_both_remedies_for_rows_of_whole_numbers_work(rows):
    """An array and a list of equally long ones, such as tensors, are the same."""
    with pytest.raises(ValueError, match=r"pass lists of ints where .* floats where"):
        labels.labels(rows, (), 2)
    lists = [each.tolist() for each in rows]
    assert labels.labels(lists, (), 2).truths == ((1, 2), (0, 1))
    floats = [each.astype(float) for each in rows]
    assert labels.labels(floats, (), 2).values == ((2.0, 1.0), (0.0, 1.0))


@pytest.mark.parametrize(
    "given",
    [
        np.array([True, False, True]),
        np.array([[True], [False], [True]]),
        [True, False, True],
        list(np.array([True, False, True])),
    ],
)
def test_bools_are_yes_or_no(given):
    assert labels.labels(given, ("no", "yes"), 3) == labels.Labels(((1,), (0,), (1,)))
    assert labels.labels(given, (), 3, raw=True) == labels.Labels(((1,), (0,), (1,)))


def test_targets_are_indices_or_names_once_each():
    assert labels.targets((), NAMES) == ()
    assert labels.targets([2, "dog", 2, np.int64(0)], NAMES) == (2, 1, 0)
    assert labels.targets("owl", NAMES) == (2,)
    assert labels.targets(1, ()) == (1,)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["cow"], "target 'cow' is not in class_names"),
        ([3], "target 3 is not below 3"),
        (1.5, "targets=1.5: pass a list of classes"),
        ([None], "target None is no class index"),
    ],
)
def test_wrong_targets_raise(given, message):
    with pytest.raises((TypeError, ValueError), match=message):
        labels.targets(given, NAMES)


@pytest.mark.parametrize(
    ("result", "names"),
    [
        (["cat", "dog", "owl"], NAMES),
        ([[(2, "owl"), (0, "cat")], [(0, "cat")]], ("cat", "1", "owl")),
        ([[{"index": 1, "name": "dog", "prob": 0.9}]], ("0", "dog", "2")),
        ([{0: "cat", 1: "dog"}], ("cat", "dog", "2")),
    ],
)
def test_decoded_names(result, names):
    assert labels.decoded(result, 3) == names


@pytest.mark.parametrize(
    "result", [None, [], ["cat"], [[(7, "owl")]], [["cat"]], [[{"name": "cat"}]]]
)
def test_what_decode_prob_may_not_return(result):
    with pytest.raises(
        ValueError, match=r"decode_prob returns .*: return the names of all 3 classes"
    ):
        labels.decoded(result, 3)
