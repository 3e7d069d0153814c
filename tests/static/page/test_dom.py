"""Children of an element where they differ: what stays is not touched, and keeps the keyboard."""

import json
from itertools import permutations

import pytest

from tests.kit import logs
from tests.kit.serving import tensorboard

pytestmark = pytest.mark.browser
PUT = """async ([base, before, after]) => {
  const { el, put } = await import(base + "kit/dom.js");
  const made = new Map([...before, ...after].map((name) => [name, el("button", { text: name })]));
  const holder = el("div", {}, ...before.map((name) => made.get(name)));
  document.body.append(holder);
  const held = before.find((name) => after.includes(name));
  made.get(held)?.focus();
  const seen = new MutationObserver(() => {});
  seen.observe(holder, { childList: true });
  put(holder, after.map((name) => made.get(name)));
  const touched = seen.takeRecords().flatMap((each) => [...each.removedNodes, ...each.addedNodes]);
  const found = [
    [...holder.children].map((each) => each.textContent),
    [...new Set(touched.map((each) => each.textContent))].sort(),
    document.activeElement.textContent,
  ];
  holder.remove();
  return found;
}"""


@pytest.fixture(scope="module")
def put(browser, tmp_path_factory):
    logdir = tmp_path_factory.mktemp("dom")
    logs.plausible(logdir, 0, [0], 1, 8)
    with tensorboard(logdir) as url:
        page = browser.new_page()
        page.goto(f"{url}data/plugin/picasso/index")
        yield lambda *lists: page.evaluate(
            PUT, [f"{url}data/plugin/picasso/static/", *map(list, lists)]
        )
        page.close()


@pytest.mark.parametrize(
    ("before", "after", "touched"),
    [
        ("abc", "abc", ""),
        ("abc", "ac", "b"),
        ("abc", "c", "ab"),
        ("ac", "abc", "b"),
        ("b", "abc", "ac"),
        ("abc", "xbc", "ax"),
        ("abc", "", "abc"),
        ("", "ab", "ab"),
    ],
)
def test_only_what_differs_is_put_in_or_taken_out(put, before, after, touched):
    found, moved, focused = put(before, after)
    assert "".join(found) == after
    assert "".join(moved) == touched
    staying = [name for name in before if name in after]
    if staying:
        assert focused == staying[0]


def test_any_order_is_made_of_any_other(put):
    for after in permutations("abcd", 3):
        assert put("abcd", after)[0] == list(after), json.dumps(after)
