import numpy as np
import pytest

from tensorboard_picasso.numbers import maps
from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.summary.probe import outputs
from tensorboard_picasso.summary.probe.outputs import OutputError, cotangent, decide, log_odds

LOGITS = np.array([[2.0, -1.0, 0.5], [0.0, 0.0, 0.0], [-30.0, 4.0, 3.0]])


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def test_log_odds_of_logits_are_the_logit_minus_the_logsumexp_of_the_others():
    expected = [
        [z[t] - np.log(sum(np.exp(z[o]) for o in range(3) if o != t)) for t in range(3)]
        for z in LOGITS
    ]
    np.testing.assert_allclose(log_odds(LOGITS, Output.LOGITS), expected, rtol=1e-12)


def test_sigmoid_of_log_odds_is_the_probability():
    np.testing.assert_allclose(
        maps.probability(log_odds(LOGITS, Output.LOGITS)), softmax(LOGITS), rtol=1e-12
    )


def test_probabilities_and_logits_have_the_same_log_odds():
    np.testing.assert_allclose(
        log_odds(softmax(LOGITS), Output.PROBABILITIES),
        log_odds(LOGITS, Output.LOGITS),
        rtol=1e-9,
        atol=1e-12,
    )


def test_log_odds_stay_exact_where_the_probability_rounds_to_one():
    z = np.array([[1000.0, 0.0, 1.0]])
    found = log_odds(z, Output.LOGITS)
    assert softmax(z)[0, 0] == 1.0
    np.testing.assert_allclose(found[0, 0], 1000 - np.log(1 + np.e), rtol=1e-15)
    # The likelihoods of the others are told apart, too.
    np.testing.assert_allclose(maps.evidence(found[0, 2], found[0, 1]), 1.0, rtol=1e-12)


def test_small_probabilities_beside_a_large_one_are_not_lost():
    p = np.array([[1.0, 3e-30, 1e-30, 0.0]])
    found = log_odds(p, Output.PROBABILITIES)
    np.testing.assert_allclose(found[0, 0], -np.log(4e-30), rtol=1e-12)
    np.testing.assert_allclose(found[0, 1], np.log(3e-30), rtol=1e-12)
    assert found[0, 3] == -np.inf


def test_log_odds_of_many_classes_agree_with_those_of_each_alone():
    z = np.random.default_rng(0).normal(0, 20, (3, 1000))
    found = log_odds(z, Output.LOGITS)
    for target in (0, 500, 999, *z.argmax(axis=1)):
        others = np.delete(z, target, axis=1)
        peak = others.max(axis=1)
        expected = z[:, target] - peak - np.log(np.exp(others - peak[:, None]).sum(axis=1))
        np.testing.assert_allclose(found[:, target], expected, rtol=1e-12)


def test_sigmoid_outputs_stand_each_for_themselves():
    z = np.array([[3.0, -2.0]])
    p = 1 / (1 + np.exp(-z))
    np.testing.assert_allclose(log_odds(p, Output.SIGMOID), z, rtol=1e-12)
    np.testing.assert_array_equal(log_odds(z, Output.SIGMOID, behind=True), z)


def test_raw_outputs_are_the_values():
    np.testing.assert_array_equal(log_odds([[3.0, -2.0]], Output.RAW), [[3.0, -2.0]])


@pytest.mark.parametrize(
    ("raw", "kind", "behind"),
    [(1.5, Output.LOGITS, False), (1.5, Output.SIGMOID, True), (0.8175745, Output.SIGMOID, False)],
)
def test_one_score_is_of_two_classes(raw, kind, behind):
    np.testing.assert_allclose(log_odds([[raw]], kind, behind), [[-1.5, 1.5]], rtol=1e-6)
    two = [cotangent([[raw]], kind, target, "log-odds", behind) for target in (0, 1)]
    np.testing.assert_array_equal(two[0], -two[1])


def test_nan_stays_nan_without_a_warning():
    assert np.isnan(log_odds([[np.nan, 1.0]], Output.LOGITS)).all()


CASES = [
    (LOGITS, Output.LOGITS, False),
    (softmax(LOGITS[:2]), Output.PROBABILITIES, False),
    (np.array([[0.3, 0.9]]), Output.SIGMOID, False),
    (np.array([[0.3, -2.0]]), Output.SIGMOID, True),
    (np.array([[0.7]]), Output.LOGITS, False),
    (np.array([[0.7]]), Output.SIGMOID, False),
    (np.array([[0.3, -2.0]]), Output.RAW, False),
]


@pytest.mark.parametrize(("raw", "kind", "behind"), CASES)
@pytest.mark.parametrize("score", ["log-odds", "probability"])
def test_cotangent_is_the_derivative_of_the_score(raw, kind, behind, score):
    def value(x, target):
        found = log_odds(x, kind, behind)[:, target]
        return found if score == "log-odds" or kind is Output.RAW else maps.probability(found)

    h = 1e-6
    for target in range(log_odds(raw, kind, behind).shape[1]):
        found = cotangent(raw, kind, target, score, behind)
        for column in range(raw.shape[1]):
            step = h * np.eye(raw.shape[1])[column]
            slope = (value(raw + step, target) - value(raw - step, target)) / (2 * h)
            np.testing.assert_allclose(found[:, column], slope, rtol=1e-5, atol=1e-8)


def test_the_logit_of_a_model_that_gives_probabilities_is_refused():
    with pytest.raises(OutputError, match="score='log-odds'"):
        cotangent([[0.25, 0.75]], Output.PROBABILITIES, 0, "logit")
    np.testing.assert_array_equal(cotangent(LOGITS, Output.LOGITS, 1, "logit")[0], [0, 1, 0])


def test_a_saturated_probability_no_longer_moves():
    found = cotangent([[2000.0, 0.0]], Output.LOGITS, 0, "probability")
    np.testing.assert_array_equal(found, [[0, 0]])


def test_auto_takes_what_the_framework_shows():
    assert decide(LOGITS / 100, "auto", Output.SIGMOID, behind=True).output is Output.SIGMOID
    assert decide([[0.2, 0.8]], "auto", Output.LOGITS).output is Output.LOGITS


def test_auto_decides_by_the_scores_of_the_whole_probe():
    assert decide([[0.2, 0.8], [0.51, 0.495]], "auto", None).output is Output.PROBABILITIES
    assert decide([[0.2, 0.8], [0.2, 1.8]], "auto", None).output is Output.LOGITS
    assert decide([[-0.2, 0.8]], "auto", None).output is Output.LOGITS


@pytest.mark.parametrize(
    ("raw", "asked", "shown", "behind", "match"),
    [
        ([[0.2, 0.3]], "auto", None, False, "do not sum to 1: pass output="),
        ([[0.2]], "auto", None, False, "one score an image: pass output='sigmoid'"),
        ([[2.0]], "auto", Output.LOGITS, False, "one score"),
        ([0.2, 0.8], "auto", None, False, r"\(2,\): scores must be \(n, classes\)"),
        ([[0.2, 1.8]], "probabilities", None, False, "scores span 0.2..1.8"),
        ([[0.2, 1.8]], "probabilities", Output.LOGITS, False, "scores span 0.2..1.8"),
        ([[0.2, 0.3]], "probabilities", None, False, "do not sum to 1"),
        ([[-0.2, -1.7]], "sigmoid", None, False, "log-probabilities"),
        ([[0.2, -1]], "sigmoid", Output.LOGITS, True, "ends in a softmax"),
    ],
)
def test_what_cannot_be_decided_raises_with_the_remedy(raw, asked, shown, behind, match):
    with pytest.raises(OutputError, match=match):
        decide(raw, asked, shown, behind)


@pytest.mark.parametrize("asked", ["auto", "logits", "probabilities", "sigmoid", "raw"])
@pytest.mark.parametrize(
    "row", [[np.nan] * 3, [0.2, np.nan, 0.3], [np.inf, 0.0, 1.0], [-np.inf] * 3]
)
def test_scores_of_a_broken_model_decide_nothing(asked, row):
    first = decide([row, row], asked, None)
    assert not first.decided
    assert outputs.again(first, [row], False, asked) is first
    with pytest.raises(OutputError, match=r"\(3,\): scores must be"):
        decide(row, asked, None)


def test_the_images_that_are_scored_with_numbers_decide():
    assert decide([[np.nan, 0.5], [0.2, 0.8]], "auto", None).output is Output.PROBABILITIES
    with pytest.raises(OutputError, match="do not sum to 1"):
        decide([[np.nan, 0.5], [0.2, 0.3]], "auto", None)
    # No probability is that of a class that is ruled out.
    taken = decide([[-np.inf, 0.2, 0.8]], "auto", None)
    assert (taken.output, taken.decided) == (Output.LOGITS, True)
    assert decide([[np.nan] * 2], "auto", Output.SIGMOID, behind=True).output is Output.SIGMOID


@pytest.mark.parametrize(
    ("asked", "shown", "expected"),
    [
        ("probabilities", Output.LOGITS, Output.LOGITS),
        ("sigmoid", Output.SIGMOID, Output.SIGMOID),
        ("logits", None, Output.LOGITS),
        ("raw", None, Output.RAW),
    ],
)
def test_what_is_asked_for_stands(asked, shown, expected):
    assert decide([[2.0, -1.0]], asked, shown, behind=shown is not None).output is expected


def test_only_what_asks_for_probabilities_looks_behind_a_softmax():
    assert set(outputs.LOOK_BEHIND) == {"auto", "probabilities", "sigmoid"}


def test_one_column_judged_by_its_range_names_the_way_out():
    taken = decide([[0.2], [0.7]], "sigmoid", None)
    assert taken.output is Output.SIGMOID
    said = outputs.told(taken, 1)
    assert said == (
        "the output is taken as probabilities of yes or no (class 1 or 0), as scores are within"
        " 0..1; output='logits' takes logits"
    )
    assert decide([[0.2], [0.7]], "logits", None).output is Output.LOGITS
    later = outputs.again(taken, [[0.2], [1.7]], False, "sigmoid")
    assert (later.output, later.other) == (Output.LOGITS, "raw")


def test_what_was_asked_for_outright_stands_at_later_checkpoints():
    rows = [[0.2, 0.8], [0.5, 0.5]]
    outside = np.multiply(rows, 1.5)
    taken = decide(rows, "probabilities", None)
    assert outputs.again(taken, outside, False, "probabilities") is taken
    assert outputs.left(taken, outside, False) == "scores span 0.3..1.2"
    assert outputs.again(decide(rows, "auto", None), outside, False, "auto").output is Output.LOGITS


def test_what_a_model_visibly_gives_is_not_called_otherwise():
    with pytest.raises(OutputError, match="all scores are probabilities"):
        decide([[0.2, 0.8], [0.5, 0.5]], "logits", None)
    with pytest.raises(OutputError, match="ends in a sigmoid"):
        decide([[0.2, -0.8]], "probabilities", Output.SIGMOID, behind=True)
    assert decide([[0.2, 0.3]], "logits", None).output is Output.LOGITS
