"""`scripts/bench cues`: planted cues, the truth of networks that are known, and the page made of it."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.cues import cues, measures, page, report, training
from benchmarks.cues.cues import KINDS
from benchmarks.cues.sets import CLASSES, Pictures
from tensorboard_picasso import read, summary

ROOT = Path(__file__).parents[2]
LABELS = np.arange(60) % CLASSES


def pictures():
    """Grey noise with a square in the middle."""
    objects = np.zeros((60, 28, 28), bool)
    objects[:, 10:18, 10:18] = True
    images = np.random.default_rng(0).uniform(0.4, 0.6, (60, 28, 28, 3)).astype(np.float32)
    return Pictures(images, LABELS, objects)


def corner(images):
    """A network that tells the class by the frame's colour alone."""
    return 20 * np.asarray(images)[:, 0, 0]


@pytest.mark.parametrize(("correlation", "agree"), [(0, 1 / 3), (0.6, 0.6 + 0.4 / 3), (1, 1)])
def test_a_cue_agrees_with_the_label_as_often_as_it_is_to(correlation, agree):
    labels = np.random.default_rng(0).integers(0, CLASSES, 20_000)
    values = cues.values_of(labels, correlation, 1)
    assert (values == labels).mean() == pytest.approx(agree, abs=0.01)
    if not correlation:
        for label in range(CLASSES):
            each = np.bincount(values[labels == label], minlength=CLASSES) / (labels == label).sum()
            np.testing.assert_allclose(each, 1 / CLASSES, atol=0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_another_value_changes_the_image_in_the_cues_region_alone(kind):
    cue, given = KINDS[kind], pictures()
    (one, masks), (other, same) = (
        cues.planted(cue, given, np.full(60, value), 3) for value in (0, 1)
    )
    changed = (one != other).any(-1)
    assert changed.any((1, 2)).all()
    if cue.mask is None:
        assert masks is None
    else:
        np.testing.assert_array_equal(masks, same)
        assert not (changed & ~masks).any()


def test_the_truth_of_a_network_that_reads_the_cue_alone_and_of_one_that_never_does():
    by_value = [
        cues.planted(KINDS["border"], pictures(), np.full(60, value), 5)[0]
        for value in range(CLASSES)
    ]
    scores = np.stack([corner(images) for images in by_value])
    for correlation in (0, 0.6, 1):
        truth, accuracy = training.truth_of(scores, LABELS, correlation)
        # Right where the cue is the label's, else never.
        assert truth == pytest.approx(correlation * 2 / 3)
        assert accuracy == pytest.approx(1 / 3 + truth)
    knows = np.eye(CLASSES)[LABELS][None].repeat(CLASSES, 0)
    assert training.truth_of(knows, LABELS, 1) == (0, 1)
    assert training.truth_of(scores[:1], LABELS, 0)[0] == 0


def test_what_is_logged_of_a_network_that_reads_the_cue_alone(tmp_path):
    cue = KINDS["border"]
    images, masks = cues.planted(cue, pictures(), LABELS, 5)
    sample = summary.Probe(
        "sample",
        images,
        labels=LABELS,
        regions={cue.region: masks},
        output="logits",
        max_images=60,
    )
    summary.edited(sample, corner, writer=tmp_path / "run", step=0, strict=True)
    summary.flush()
    (logged,) = read(tmp_path).values()
    found = logged["sample"].edits()
    # All images follow their donors there, and elsewhere none.
    follows = dict(zip(found.names, found.follows[0], strict=True))
    assert (follows[cue.swapped] == 1).all()
    assert (follows["inside, swapped"] == 0).all()
    # What puts another class's corner there stands first, and in the unnamed list what holds it.
    held = [
        "frame, swapped",
        "border, swapped",
        "top, swapped",
        "left, swapped",
        "corners, swapped",
    ]
    assert measures.rank(found, held) == 1
    assert measures.rank(found, cue.unnamed, named=False) <= len(held)
    assert measures.rank(found, ["inside, swapped"]) > len(held)
    assert measures.rank(found, []) is None
    assert measures.onsets_of(found)[cue.swapped].place == 0


def test_a_truth_is_there_from_where_it_stays():
    assert measures.since([0, 0.2, 0.01, 0.1, 0.2]) == 3
    assert measures.since([0.1, 0.2]) == 0
    assert measures.since([0.1, 0]) is None


def test_the_page_is_made_of_the_numbers_beside_it():
    found = json.loads(page.NUMBERS.read_text())
    assert (ROOT / "docs/truth.md").read_text() == page.text(found)
    assert report.tables(found)
