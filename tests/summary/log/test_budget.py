"""Budgets: cadence first, then stride; all on a clock that the tests turn."""

import numpy as np
import pytest
import tensorflow as tf

import tensorboard_picasso
from tensorboard_picasso import summary
from tensorboard_picasso.stored.metadata import Kind
from tensorboard_picasso.summary import Occlusion, Probe
from tensorboard_picasso.summary.log import budget as log
from tensorboard_picasso.summary.log.budget import Budget, Spending
from tensorboard_picasso.summary.log.request import Terms
from tensorboard_picasso.summary.loops._training import Training
from tensorboard_picasso.summary.loops._watch import Watch
from tests.kit import events

IMAGES = np.random.default_rng(0).random((2, 16, 16)).astype(np.float32)
WEIGHTS = np.random.default_rng(1).normal(size=(256, 3))


def spend(budget, costs, every, count):
    """(when, doublings, seconds) of the checkpoints of a training that asks every so many seconds.

    costs: seconds of a record by how often strides are doubled.
    """
    spending = Spending(Budget.of(budget), len(costs) - 1)
    now, found = 0.0, []
    for _ in range(count):
        choice = spending.choose(now)
        if choice is not None:
            cost = costs[choice.doublings]
            found.append((now, choice.doublings, cost))
            now += cost
            spending.spent(choice, now, cost)
        now += every
    return found, now


@pytest.mark.parametrize("share", [0.01, 0.02, 0.2])
@pytest.mark.parametrize("every", [0.003, 0.5])
def test_a_share_of_training_time_is_kept(share, every):
    found, end = spend(share, [0.2], every, 20_000)
    training = end - sum(cost for _, _, cost in found)
    assert sum(cost for _, _, cost in found[2:]) <= share * training + 1e-6
    assert len(found) >= training / (0.2 / share + every)
    waits = np.diff([at for at, _, _ in found])[1:] - 0.2
    assert waits.min() >= 0.2 / share - 1e-6
    assert waits.max() <= 0.2 / share + every + 1e-6


def test_what_is_asked_for_rarely_enough_is_never_left_out_nor_made_coarser():
    found, _ = spend(0.02, [10, 2.5], 1000, 50)
    assert [doublings for _, doublings, _ in found] == [0] * 50


def test_a_pause_buys_one_checkpoint_and_no_burst():
    spending = Spending(Budget.of(0.1), 0)
    for now in (0.0, 1.0):
        spending.spent(spending.choose(now), now + 1, 1.0)
    assert spending.choose(3.0) is None
    choice = spending.choose(10_000.0)
    spending.spent(choice, 10_001.0, 1.0)
    assert spending.choose(10_005.0) is None
    assert spending.choose(10_011.5) is not None


def test_what_one_checkpoint_takes_too_much_the_next_waits_for():
    spending = Spending(Budget.of(0.1), 0)
    for now, cost in ((0.0, 1.0), (10.0, 1.0), (30.0, 5.0)):
        spending.spent(spending.choose(now), now + cost, cost)
    # 3.1 s were owed, as 1.9 s had been granted; the next costs 1 s.
    assert spending.choose(35.0 + 40) is None
    assert spending.choose(35.0 + 42) is not None


def test_what_is_traced_once_does_not_count():
    spending = Spending(Budget.of(0.1), 0)
    for now in (0.0, 10.0):
        spending.spent(spending.choose(now), now + 6, 6.0, once=5.5)
    assert spending.choose(22.0) is not None


def test_strides_are_doubled_where_waiting_alone_would_take_too_long():
    found, end = spend(0.02, [10, 2.5, 0.6], 1.0, 2000)
    assert [doublings for _, doublings, _ in found][:3] == [0, 0, 2]  # a minute pays for 1.2 s
    assert {doublings for _, doublings, _ in found[2:]} == {2}
    assert sum(cost for _, _, cost in found[1:]) <= 0.02 * end + 10


def test_later_in_a_long_training_waiting_may_take_longer_and_strides_are_finer_again():
    found, _ = spend(0.02, [10, 2.5, 0.6], 30.0, 2000)
    last = [doublings for _, doublings, _ in found][-10:]
    assert last == [0] * 10


def test_a_coarser_grid_that_saves_nothing_is_not_used():
    found, _ = spend(0.02, [10, 9.5], 1.0, 20_000)
    assert [doublings for _, doublings, _ in found][3:].count(1) == 0


@pytest.mark.parametrize(("cost", "of"), [(0.2, 1), (0.5, 1), (2, 4), (4.5, 9)])
def test_seconds_for_each_checkpoint_asked_for(cost, of):
    found, _ = spend("0.5s", [cost], 7.0, 100)
    numbers = [round((at - cost * k) / 7) for k, (at, _, _) in enumerate(found)]
    assert numbers[:2] == [0, 1]
    assert set(np.diff(numbers[2:])) == {of}


def test_beyond_one_of_ten_strides_are_doubled():
    found, _ = spend("0.5s", [8, 2], 7.0, 100)
    assert {doublings for _, doublings, _ in found[2:]} == {1}


@pytest.mark.parametrize("wrong", [0, 1, 1.5, -0.1, True, "0.5", "s", "-1s", "infs", [0.1], "nans"])
def test_what_is_no_budget_is_named(wrong):
    with pytest.raises(ValueError, match=r"budget=.*: pass a share of training time, such as 0.02"):
        Budget.of(wrong)
    assert Budget.of(None) is None


@pytest.mark.parametrize(
    "asked",
    [
        Occlusion(),
        Occlusion(4, 1),
        Occlusion((4, 6), (1, 3)),
        Occlusion(0.5, 0.1),
        Occlusion(positions=8),
        Occlusion(5, positions=7),
    ],
)
def test_coarser_grids_keep_the_window_cover_the_image_and_end(asked):
    probe = Probe("p", IMAGES)
    window, tops, lefts = asked.geometry((16, 16))
    found, coarser = 0, asked.coarser(probe)
    while coarser is not None:
        found += 1
        again, fewer_tops, fewer_lefts = coarser.geometry((16, 16))
        assert again == window
        assert np.diff(fewer_tops).max() <= 2 * np.diff(tops).max()
        assert len(fewer_tops) <= 1 + 0.7 * len(tops)
        assert len(fewer_lefts) <= 1 + 0.7 * len(lefts)
        tops, lefts, coarser = fewer_tops, fewer_lefts, coarser.coarser(probe)
    assert 1 <= found <= 4


def test_where_windows_would_leave_gaps_nothing_is_coarser():
    assert Occlusion(4, 4).coarser(Probe("p", IMAGES)) is None
    assert summary.Saliency().coarser(Probe("p", IMAGES)) is None


def test_the_last_one_is_paid_for_in_advance_once():
    """Trainings that are but a second long end in no more than the budget pays for."""
    spending = Spending(Budget.of(0.1), 0)
    for now in (0.0, 1.0):
        spending.spent(spending.choose(now), now + 1, 1.0)
    now, found = 2.0, []
    for number in range(100):
        now += 1
        assert spending.choose(now) is None or number
        choice = spending.choose(now, last=True)
        if choice is not None:
            found.append(number)
            now += 1
            spending.spent(choice, now, 1.0)
    # 0.9 s are owed at first, and then as long as ten trainings take.
    assert found[0] == 0
    assert len(found) == 11
    assert set(np.diff(found[1:])) <= {9, 10}


def test_the_last_one_is_as_coarse_as_those_before():
    spending = Spending(Budget.of(0.02), 2)
    for now in (0.0, 10.0):
        spending.spent(spending.choose(now), now + 10, 10.0)
    assert spending.choose(25.0) is None
    assert spending.choose(25.0, last=True).doublings == 2


class Clock:
    """Seconds that pass only where a model is called, or a test says so."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    def model(self, seconds):
        def scores(images):
            self.now += seconds * len(images)
            return np.asarray(images).reshape(len(images), -1) @ WEIGHTS

        return scores


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(log, "clock", clock)
    return clock


def grids(directory):
    """Positions a side, and what is said of the budget, by step."""
    return {
        step: (len(each.grid.tops), each.parameters["budget"])
        for (step, series), each in events.records(directory).items()
        if series.kind is Kind.METHOD and series.image == 0
    }


def test_an_op_called_at_each_step_skips_calls_says_so_and_states_its_grid(tmp_path, clock, capsys):
    model, probe = clock.model(0.001), Probe("digits", IMAGES, output="raw")
    accepted = []
    for step in range(100):
        # 8 x 8 positions and the whole, twice; and the scores: 0.132 s.
        accepted.append(
            summary.occlusion(
                probe, model, window=2, stride=2, writer=tmp_path, step=step, budget=0.1
            )
        )
        clock.now += 0.1
    steps = [step for step, each in enumerate(accepted) if each]
    assert steps[:2] == [0, 1]
    assert set(np.diff(steps[1:])) == {14}
    found = grids(tmp_path)
    assert list(found) == steps
    assert found[1] == (8, "10 % of training: as asked for")
    assert found[15] == (8, "10 % of training: 1 of 14 asked for")
    said = capsys.readouterr().err
    assert said.count('"digits": a record takes 0.13 s: 10 % of training pays for one every') == 1


def test_strides_of_one_series_differ_and_each_record_states_its_own(tmp_path, clock, capsys):
    model, probe = clock.model(0.05), Probe("digits", IMAGES, output="raw")
    for step in range(60):
        summary.occlusion(probe, model, window=4, stride=2, writer=tmp_path, step=step, budget=0.02)
        clock.now += 5
    found = grids(tmp_path)
    assert {positions for positions, _ in found.values()} == {7, 4}
    last = found[max(found)]
    assert last[0] == 4
    assert last[1].endswith("strides × 2")
    assert "a record with strides × 2 takes 1.8 s" in capsys.readouterr().err


def test_a_callback_stretches_its_schedule(tmp_path, clock):
    probe = Probe("digits", IMAGES, output="raw")
    methods = [Occlusion(2, 2)]
    watch = Watch(probe, methods, None, None, Terms(True, True, Budget.of(0.1)))
    training = Training(summary.EverySteps(1), watch)
    training.begin(clock.model(0.001), tmp_path, 0, 0.0)
    for step in range(1, 60):
        clock.now += 0.1
        training.reached(step, None)
    training.finish()
    steps = sorted(events.whole_scores(tmp_path))
    assert steps[:2] == [0, 1]
    assert set(np.diff(steps[1:-1])) == {14}
    assert steps[-2:] == [57, 59]


MANY = np.random.default_rng(2).random((64, 16, 16)).astype(np.float32)
EDITS = ["mirrored", "top"]  # three, as a place has two forms


def sample(name="sample"):
    return Probe(name, MANY, labels=np.arange(64) % 3, output="raw", max_images=64)


def edits_of(directory, run=".", name="sample"):
    """Steps, which images were edited at each, and what was said of them."""
    summary.flush()
    found = tensorboard_picasso.read(directory)[run][name].edits()
    return found, [frozenset(np.flatnonzero(row.any(0))) for row in np.isfinite(found.costs)]


def test_of_edits_images_are_left_out_first_and_then_records(tmp_path, clock, capsys):
    asked = {}
    for budget in ("all", 0.01, 0.003):
        model, probe, accepted = clock.model(0.001), sample(), []
        for step in range(100 if budget != "all" else 1):
            options = {} if budget == "all" else {"budget": budget}
            given = {"edits": EDITS, "writer": tmp_path / str(budget), "step": step, **options}
            accepted.append(summary.edited(probe, model, **given))
            clock.now += 1.1
        found, images = edits_of(tmp_path / str(budget))
        assert found.steps.tolist() == [step for step, each in enumerate(accepted) if each]
        assert len(set(images)) == 1
        asked[budget] = found, images[0]
    # Ten seconds pay for 0.1 s: 32 images with three edits each take 0.096.
    assert [len(images) for _, images in asked.values()] == [64, 32, 16]
    assert asked[0.003][1] < asked[0.01][1]
    for found, images in asked.values():
        some = sorted(images)
        np.testing.assert_array_equal(found.donors, asked["all"][0].donors)
        np.testing.assert_array_equal(found.costs[0][:, some], asked["all"][0].costs[0][:, some])
        left = np.setdiff1d(np.arange(64), some)
        assert np.isnan(found.costs[:, :, left]).all()
        assert not found.predicted[:, :, left].any()
        assert not found.flips[:, :, left].any()
    # 64 whole images, and those: 0.16 s.
    assert set(np.diff(asked[0.01][0].steps)[1:]) == {15}
    said = capsys.readouterr().err
    assert "32 of 64 images × 3 edits:" in said
    assert said.count('"sample", edits: a record takes 0.16 s: 1 % of training pays for one') == 1


def test_order_decides_nothing_about_which_images_are_left_out(tmp_path, clock):
    order = np.random.default_rng(3).permutation(64)
    other = Probe("o", MANY[order], labels=order % 3, output="raw", max_images=64)
    for probe in (sample(), other):
        model, where = clock.model(0.001), tmp_path / probe.name
        assert summary.edited(probe, model, edits=EDITS, writer=where, step=0, budget="0.06s")
    _, ((images,), (others,)) = zip(
        edits_of(tmp_path / "sample"), edits_of(tmp_path / "o", name="o"), strict=True
    )
    assert len(images) == 16
    assert images == frozenset(order[sorted(others)])


def test_a_callbacks_budget_pays_for_its_maps_and_its_edits(tmp_path, clock):
    probe = Probe("digits", IMAGES, output="raw")
    terms = Terms(True, True, Budget.of(0.1))
    watch = Watch(probe, [Occlusion(2, 2)], sample(), EDITS, terms)
    training = Training(summary.EverySteps(1), watch)
    training.begin(clock.model(0.001), tmp_path, 0, 0.0)
    for step in range(1, 100):
        clock.now += 0.1
        training.reached(step, None)
    training.finish()
    found, images = edits_of(tmp_path)
    assert found.steps.tolist() == sorted(events.whole_scores(tmp_path))
    assert {len(each) for each in images} == {64}
    # 0.132 s of maps, 0.256 of edits.
    assert set(np.diff(found.steps)[1:-1]) == {39}


def test_inside_a_tf_function_too(tmp_path, clock):
    def preprocess(images):
        clock.now += 1.0
        return images

    probe = Probe("digits", IMAGES, output="raw", preprocess=preprocess)
    model = tf.function(lambda x: tf.reshape(x, [-1, 256]) @ tf.constant(WEIGHTS, tf.float32))
    writer = tf.summary.create_file_writer(str(tmp_path))

    @tf.function
    def train(step):
        with writer.as_default(step=step):
            return summary.class_probabilities(probe, model, budget="0.5s")

    # Two images a record, 2 s.
    accepted = [bool(train(tf.constant(step, tf.int64))) for step in range(10)]
    assert [step for step, each in enumerate(accepted) if each] == [0, 1, 5, 9]
