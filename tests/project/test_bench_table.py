"""`scripts/bench`: one table of all figures, which of them moved, and documents that say what was stored."""

import pytest

from benchmarks.table import __main__ as table
from benchmarks.table import documents, tables
from benchmarks.table.documents import Sentence, UnmeasuredError
from benchmarks.table.figures import Figure, by_name, moved


def figure(*values, name="tab, opening", unit=" s"):
    return Figure(name, values, unit)


@pytest.mark.parametrize(
    ("before", "now", "ratio"),
    [
        ((1.0, 1.1, 1.2), (2.0, 2.2, 2.3), 2.0),
        ((2.0, 2.2, 2.3), (1.0, 1.1, 1.2), 0.5),
        ((1.0, 1.1, 1.9), (1.8, 2.2, 2.3), None),  # rounds that overlap
        ((1.0, 1.01, 1.02), (1.03, 1.05, 1.06), None),  # apart, and near
        ((0.0,), (1.0,), None),
    ],
)
def test_a_figure_moved_where_its_rounds_lie_apart_and_its_median_is_not_near(before, now, ratio):
    found = moved(figure(*before), figure(*now))
    assert found == (None if ratio is None else pytest.approx(ratio))


def test_a_figure_says_its_median_and_its_rounds():
    assert figure(3.0, 1.0, 2.0).text == "2 s (1–3)"
    assert figure(1234.5).text == "1,234 s"
    with pytest.raises(ValueError, match="two figures are called 'tab, opening'"):
        by_name([figure(1.0), figure(2.0)])


def test_a_sentence_is_found_by_its_words_and_said_with_what_was_measured():
    sentence = Sentence("README.md", "It opens in {tab, opening|.1f} s, of {runs|,.0f} runs.")
    text = "Before. It opens in 2.9 s, of 1,000 runs. After."
    place = sentence.found(text)
    assert text[place.start() : place.end()] == "It opens in 2.9 s, of 1,000 runs."
    known = by_name([figure(1.04, 1.06, 1.08), figure(2000, name="runs")])
    assert sentence.said(known) == "It opens in 1.1 s, of 2,000 runs."
    with pytest.raises(UnmeasuredError, match="runs"):
        sentence.said(by_name([figure(1.0)]))


@pytest.mark.parametrize("sentence", documents.SENTENCES, ids=lambda each: each.template[:30])
def test_each_sentence_stands_in_its_document(sentence):
    assert sentence.found((documents.ROOT / sentence.document).read_text())


def test_marked_tables_are_those_of_the_stored_results():
    kept = table.stored()
    said = [
        found
        for each in documents.documents()
        for found in documents.MARKED.finditer(each.read_text())
    ]
    assert {found[2] for found in said} <= set(tables.TABLES)
    made = {found[2]: tables.TABLES[found[2]] for found in said}
    stored = {name: make(kept[part]) for name, (part, make) in made.items() if part in kept}
    assert "opening" in stored
    assert stored == {found[2]: found[3] for found in said if found[2] in stored}
