"""Three runs that log at steps of their own, side by side: each shows its newest at the slider."""

import itertools
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from tests.kit import logs
from tests.kit.browser import tab
from tests.kit.serving import tensorboard

pytestmark = pytest.mark.browser
# The third one begins later.
CADENCE = {"a": range(0, 101, 10), "b": range(0, 101, 25), "c": range(40, 121, 40)}
ALL = sorted(set(itertools.chain(*CADENCE.values())))
# The first step and four between it and the newest.
COLUMNS = [0, 25, 40, 70, 80]


def newest(run, step):
    """What a run is to show at a step: None before its first."""
    return max((each for each in CADENCE[run] if each <= step), default=None)


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    path = tmp_path_factory.mktemp("cadence")
    for number, (run, steps) in enumerate(CADENCE.items()):
        logs.plausible(path / run, number, steps, 2, 14)
    return path


def said(run, asked):
    step = newest(run, asked)
    if step == asked:
        return ""
    return f"{'newest: ' if step == CADENCE[run][-1] else ''}step {step}"


def check(cards, run, asked):
    """Each card shows the run's own step and says it, or says that there is none."""
    step = newest(run, asked)
    assert cards.count()
    for card in cards.all():
        if step is None:
            assert card.locator(".note").inner_text() == f"not logged at step {asked}"
            assert card.locator("canvas").get_attribute("data-step") is None
            continue
        assert card.locator(".note").inner_text() == ""
        assert card.locator("canvas").get_attribute("data-step") == str(step)
        assert (card.locator(".at").inner_text() or "") == said(run, asked)


def test_rows_means_and_columns_show_the_newest_and_say_its_step(browser, logdir):
    with tensorboard(logdir) as url, tab(browser, url) as shown:
        for asked in (120, 90, 50, 0):
            shown.open(step=str(asked)).at(asked)
            # The steps of all three runs make five columns.
            shown.frame.locator(".rows > .heads button.head").nth(4).wait_for()
            shown.at(asked)
            heads = shown.frame.locator(".rows > .heads button.head").all_text_contents()
            columns = [int(each.removeprefix("step ")) for each in heads]
            assert len(columns) == 5
            for run in CADENCE:
                strips = shown.frame.locator(f'.row .strip[data-run="{run}"]')
                check(strips.locator(".card.now"), run, asked)
                for number, column in enumerate(columns):
                    check(strips.locator(f".card:nth-child({number + 1})"), run, column)


def test_columns_do_not_depend_on_which_run_came_first(browser, logdir):
    with tensorboard(logdir) as url, tab(browser, url) as shown:
        late, held = set(), []

        def hold(route):
            run = parse_qs(urlsplit(route.request.url).query)["run"][0]
            held.append(route) if run in late else route.continue_()

        shown.page.route("**/scores?**", hold)
        for run in CADENCE:
            held.clear()
            late.add(run)
            shown.open(step="90")
            shown.frame.wait_for_function("document.querySelectorAll('.card.now canvas').length")
            late.clear()
            held.pop().continue_()
            heads = shown.at(90).frame.locator(".rows > .heads button.head")
            heads.nth(4).wait_for()
            assert heads.all_text_contents() == [f"step {each}" for each in COLUMNS]


def test_captions_and_readouts_are_of_the_step_that_is_shown(browser, logdir):
    with tensorboard(logdir) as url, tab(browser, url) as shown:
        shown.open(step="90").at(90)

        def caption(run):
            here = f'.row[data-image="0"] .strip[data-run="{run}"] .now figcaption'
            return shown.frame.locator(here).inner_text()

        there = {run: caption(run) for run in CADENCE}
        told = {each.split()[0]: each for each in shown.readout() if each.split()[0] in CADENCE}
        assert "(step" not in told["a"]
        for run in ("b", "c"):
            assert f"(step {newest(run, 90)})" in told[run]
        for run in CADENCE:
            step = newest(run, 90)
            shown.open(step=str(step)).at(step)
            assert caption(run) == there[run]


def test_the_large_view_and_the_hover_are_of_it(browser, logdir):
    with tensorboard(logdir) as url, tab(browser, url) as shown:
        shown.open(step="90", open="0").at(90)
        for run in CADENCE:
            cards = shown.frame.locator(f'.large .grid .card:has(canvas[data-run="{run}"])')
            check(cards, run, 90)
        tables = shown.frame.locator(".large table").filter(has_text="class scores")
        assert tables.count() == len(CADENCE)
        assert shown.frame.get_by_text("not logged").count() == 0
        shown.open(step="90", method="saliency").at(90)
        shown.frame.locator('.row[data-image="0"] .strip[data-run="b"] .now canvas').hover()
        shown.frame.get_by_text("· step 75").wait_for()


def test_a_comparison_takes_the_newest_of_both(browser, logdir):
    with tensorboard(logdir) as url, tab(browser, url) as shown:
        # Only the shown run's steps are on the slider.
        shown.open(runs="b", pinrun="a", step="90")
        shown.frame.wait_for_selector('canvas[data-difference][data-step="75"]')
        row = shown.frame.locator('.row[data-image="0"]')
        assert row.locator(".card.now canvas").get_attribute("data-step") == "75"
        a = row.locator(".strip .card:not(.now) canvas[data-run='a']").first
        assert a.get_attribute("data-step") == str(newest("a", 75))
        assert "70 → 75" in row.inner_text()


def test_the_dot_of_a_row_stands_at_the_step_that_is_shown(browser, logdir):
    with tensorboard(logdir) as url, tab(browser, url) as shown:
        shown.open(step="90").at(90)
        for run in CADENCE:
            dot = shown.frame.locator(f'.row[data-image="0"] .strip[data-run="{run}"] .dot')
            left = float(dot.evaluate("e => parseFloat(e.style.left)"))
            # Steps stand at equal distances.
            place = ALL.index(newest(run, 90)) / (len(ALL) - 1)
            np.testing.assert_allclose(left, 100 * place, atol=0.1)
