import numpy as np
import pytest

from tensorboard_picasso.summary import labels

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
    assert labels.labels(given, NAMES, 3) == (1, 0, 2)


@pytest.mark.parametrize(
    ("given", "names", "message"),
    [
        ([1, 0], NAMES, "labels: 2 for 3 images: pass one an image"),
        (1, NAMES, "labels: a single value for 3 images"),
        ([1, 0, 3], NAMES, "label of image 2: 3 is not below 3, the number of class_names"),
        ([1, -1, 0], (), "label of image 1: -1 is negative"),
        ([1, 0.5, 0], (), "label of image 1: .*0.5.* is no class index: pass an integer"),
        (["cat", "cow", "dog"], NAMES, r"'cow'.* is not in class_names \(cat, dog, owl\)"),
        (
            ["cat", "dog", "dog"],
            ("cat", "dog", "dog"),
            "is in class_names twice .*: pass its index",
        ),
        (["cat", "cat", "cat"], (), "'cat'.* is a name: pass class_names= too"),
        ([[0.9, 0.1], [0, 1], [1, 0]], (), "image 0 is neither .*: pass labels.argmax"),
        (np.zeros((3, 2, 2)), (), r"labels has shape \(3, 2, 2\)"),
    ],
)
def test_wrong_labels_raise(given, names, message):
    with pytest.raises((TypeError, ValueError), match=message):
        labels.labels(given, names, 3)


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
