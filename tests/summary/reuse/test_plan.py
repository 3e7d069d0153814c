"""Rectangles of what a window can change, held against counting pixel by pixel."""

import numpy as np
import pytest

from tensorboard_picasso.summary.reuse import agenda as agendas
from tensorboard_picasso.summary.reuse import plan as plans
from tensorboard_picasso.summary.reuse.plan import Kind, Layer
from tensorboard_picasso.summary.reuse.rects import Rects, Spans, Window, slices_of, spread


def spans(*starts, size):
    return Spans(np.array(starts, np.int64), size)


def inside(spans):
    return [set(range(start, start + spans.size)) for start in spans.starts.tolist()]


@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("before", [0, 1, 3])
def test_outputs_that_see_a_changed_input_are_in_the_span(kernel, stride, dilation, before):
    window = Window(kernel, stride, dilation, before)
    extent = (20 + 2 * before - window.reach) // stride + 1
    sees = [
        {at * stride + tap * dilation - before for tap in range(kernel)} for at in range(extent)
    ]
    given = spans(*range(17), size=4)
    found = window.changed(given, extent)
    longest = 1
    for inputs, outputs in zip(inside(given), inside(found), strict=True):
        changed = {at for at in range(extent) if sees[at] & inputs}
        assert changed <= outputs <= set(range(extent))
        longest = max(longest, max(changed, default=0) - min(changed, default=0) + 1)
    assert found.size == longest
    needed = inside(window.seen(found))
    for outputs, inputs in zip(inside(found), needed, strict=True):
        assert set().union(*(sees[at] for at in outputs)) <= inputs


def test_spans_are_shifted_inwards_to_one_size():
    found = Spans.covering(np.array([0, 3, 8]), np.array([1, 7, 10]), 10)
    assert (found.starts.tolist(), found.size) == ([0, 3, 6], 4)


def test_a_hull_holds_both():
    one = Rects((spans(0, 4, size=2), spans(3, 3, size=1)))
    other = Rects((spans(1, 6, size=2), spans(3, 3, size=1)))
    hull = Rects.hull([one, other], (8, 8))
    assert (hull.axes[0].starts.tolist(), hull.shape) == ([0, 4], (4, 1))
    assert Rects.hull([one, one], (8, 8)) is one


def chain(*layers):
    """Layers that follow one another, each given without its inputs."""
    return tuple(
        Layer(name, kind, (at - 1,) if at else (), shape, work, windows=windows)
        for at, (name, kind, shape, work, windows) in enumerate(layers)
    )


ONE = (Window(1), Window(1))
THREE = (Window(3, 1, 1, 1), Window(3, 1, 1, 1))
HALF = (Window(2, 2), Window(2, 2))
LAYERS = chain(
    ("x", Kind.INPUT, (1, 32, 32), 0, ONE),
    ("conv", Kind.WINDOW, (8, 32, 32), 32 * 32 * 72, THREE),
    ("pool", Kind.WINDOW, (8, 16, 16), 0, HALF),
    ("mean", Kind.MEAN, (8,), 0, ONE),
    ("dense", Kind.OTHER, (10,), 80, ONE),
)


def test_a_plan_by_hand():
    boxes = np.array([[4, 4, 4, 4], [12, 20, 4, 4]])
    plan = plans.make(LAYERS, Rects.of_boxes(boxes, (32, 32)))
    _, conv, pool, mean, dense = plan.steps
    assert conv.rects.axes[0].starts.tolist() == [3, 11]
    assert conv.rects.shape == (6, 6)
    assert conv.crop.shape == (8, 8)
    assert conv.work == 36 * 72
    # 3 to 9 are seen by the pooled 1 to 5: four of them.
    assert pool.rects.axes[0].starts.tolist() == [1, 5]
    assert pool.rects.shape == (4, 4)
    assert mean.rects is None
    assert dense.rects is None
    assert plan.work == 36 * 72 + 80
    assert plans.dense_work(LAYERS) == 32 * 32 * 72 + 80


VOLUME = chain(
    ("x", Kind.INPUT, (1, 8, 32, 32), 0, ()),
    ("conv", Kind.WINDOW, (8, 8, 32, 32), 8 * 32 * 32 * 216, (*THREE, THREE[0])),
    ("pool", Kind.WINDOW, (8, 8, 16, 16), 0, (Window(1), *HALF)),
    ("mean", Kind.MEAN, (8,), 0, ()),
)


def test_a_plan_of_a_volume_by_hand():
    boxes = np.array([[0, 4, 4, 2, 4, 4], [3, 12, 20, 2, 4, 4]])
    plan = plans.make(VOLUME, Rects.of_boxes(boxes, (8, 32, 32)))
    _, conv, pool, mean = plan.steps
    # Two slices and one on either side; the first window is at the border.
    assert [each.starts.tolist() for each in conv.rects.axes] == [[0, 2], [3, 11], [3, 19]]
    assert conv.rects.shape == (4, 6, 6)
    assert conv.crop.shape == (6, 8, 8)
    assert conv.work == 4 * 36 * 216
    assert pool.rects.shape == (4, 4, 4)
    assert mean.rects is None
    agenda = agendas.make(VOLUME, boxes, (8, 32, 32), images=1)
    assert "conv: 4×6×6 of 8×32×32" in agenda.text(True)


def test_a_box_in_its_rectangle():
    rects = Rects((spans(0, 2, size=5), spans(3, 3, size=4), spans(1, 0, size=2)))
    boxes = np.array([[1, 3, 1, 2, 2, 2], [2, 4, 1, 5, 3, 1]])
    assert rects.local(boxes).tolist() == [[1, 0, 0, 2, 2, 2], [0, 1, 1, 5, 3, 1]]
    first, second = slices_of(boxes)
    assert first == np.s_[1:3, 3:5, 1:3]
    assert second == np.s_[2:7, 4:7, 1:2]
    volume = np.arange(7 * 7 * 3).reshape(7, 7, 3)
    found = volume[spread(rects.places)]
    np.testing.assert_array_equal(found[1], volume[2:7, 3:7, 0:2])


def test_what_a_window_covers_is_whole_from_there_on():
    plan = plans.make(LAYERS, Rects.of_boxes(np.array([[0, 0, 32, 32]]), (32, 32)))
    assert [step.rects is None for step in plan.steps] == [False, True, True, True, True]
    assert plan.steps[1].why == "a window changes most of it"


def test_every_window_is_in_one_chunk_and_the_border_stays_apart_where_that_pays():
    starts = [*range(0, 28, 2), 28]
    boxes = np.array([(top, left, 4, 4) for top in starts for left in starts])
    agenda = agendas.make(LAYERS, boxes, (32, 32), images=1, most=20_000)
    windows = np.concatenate([chunk.windows for chunk in agenda.chunks])
    assert sorted(windows.tolist()) == list(range(len(boxes)))
    assert all(len(c.windows) * c.plan.held <= 20_000 for c in agenda.chunks)
    assert agenda.work < agenda.dense_work
    assert "conv: 6×6 of 32×32" in agenda.text(True)


@pytest.mark.parametrize(("axes", "parts"), [(2, 25), (3, 27)], ids=["pictures", "volumes"])
def test_pictures_have_two_bands_of_the_border_apart_and_volumes_one(axes, parts):
    corners = 8 * np.array([*np.ndindex((5,) * axes)])
    boxes = np.insert(corners, [axes] * axes, 8, axis=1)
    shape = (40,) * axes
    # Both bands see less than what is inside; and calls cost nothing.
    layers = chain(
        ("x", Kind.INPUT, (1, *shape), 0, ()),
        ("conv", Kind.WINDOW, (8, *shape), 1e9, (Window(21, before=10),) * axes),
        ("mean", Kind.MEAN, (8,), 0, ()),
    )
    free = plans.Costs(call=0)
    agenda = agendas.make(layers, boxes, shape, images=1, most=1 << 30, costs=free)
    windows = np.concatenate([chunk.windows for chunk in agenda.chunks])
    assert sorted(windows.tolist()) == list(range(len(boxes)))
    assert len(agenda.chunks) == parts
