"""Answers are made once until there are newer records, and compressed for who is far away."""

import gzip
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from tensorboard_picasso.serving.kept import Kept
from tensorboard_picasso.stored import record
from tensorboard_picasso.stored.metadata import Kind, Series
from tests.kit import logs, packs
from tests.kit.serving import get, tensorboard

LOADERS = pytest.mark.parametrize("load_fast", [True, False], ids=["rust", "python"])
ALL = Series("p", 0, Kind.ALL_SCORES)
NOON = 1_700_000_000.0


def test_an_answer_is_made_once_of_each_state():
    kept, made = Kept(), []

    def make():
        made.append(None)
        return b"answer %d" % len(made)

    def asked(key, state):
        return kept.answer(key, state, make).data

    assert [asked("a", 1), asked("a", 1), asked("b", 1)] == [b"answer 1"] * 2 + [b"answer 2"]
    assert [asked("a", 2), asked("a", 2), asked("b", 1)] == [b"answer 3"] * 2 + [b"answer 2"]
    # A state of before may be another log again: only the newest is kept.
    assert asked("a", 1) == b"answer 4"
    assert kept.answer("c", 1, lambda: None) is None


def test_those_asked_for_last_are_kept_within_the_bound():
    kept, made = Kept(most=250, largest=120), []

    def ask(key, size=100):
        kept.answer(key, 0, lambda: made.append(key) or bytes(size))

    for key in "abacab":  # "c" pushes "b" out, which was asked for least lately
        ask(key)
    assert made == ["a", "b", "c", "b"]
    for _ in range(2):
        ask("large", 121)
    assert made[4:] == ["large", "large"]


def test_who_asks_while_it_is_made_waits_for_it():
    kept, made = Kept(), []

    def make():
        made.append(None)
        time.sleep(0.2)
        return b"answer"

    def fail():
        raise ValueError("not there")

    threads = [threading.Thread(target=kept.answer, args=("a", 0, make)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    with pytest.raises(ValueError, match="not there"):
        kept.answer("b", 0, fail)
    assert kept.answer("b", 0, make).data == b"answer"


def written(log, step, wall, value, **numbers):
    said = {0: replace(logs.scores(np.array([value, 0.0])), **numbers)}
    log.write(step, [(ALL, record.pack_all_scores(said))], wall)


@LOADERS
def test_answers_change_with_the_records_alone(tmp_path, load_fast):
    log = logs.Log(tmp_path / "run", "events.out.tfevents.1.a")
    for step in range(60):
        written(log, step, NOON + step, 1.0, nth=step + 1)
    with tensorboard(tmp_path, load_fast=load_fast) as url:
        address = f"{url}data/plugin/picasso/scores?run=run&probe=p"

        def read():
            status, body, headers = get(address)
            assert status == 200
            (image,) = packs.read(body)["images"]
            values = {each["step"]: float(each["values"][0]) for each in image["records"]}
            return values, headers["ETag"]

        first, tag = read()
        assert first == dict.fromkeys(range(60), 1.0)
        assert read() == (first, tag)
        status, body, headers = get(address, {"If-None-Match": tag})
        assert (status, body, headers["ETag"]) == (304, b"", tag)
        # Resumed where the clock is behind: neither the largest step nor time tells of it.
        more = logs.Log(tmp_path / "run", "events.out.tfevents.2.b")
        for step in range(40, 50):
            written(more, step, NOON - 1000 + step, 2.0, nth=step - 39, since=40)
        expected = dict.fromkeys(range(40), 1.0) | dict.fromkeys(range(40, 50), 2.0)
        until = time.monotonic() + 60
        while read()[0] != expected:
            assert time.monotonic() < until
            time.sleep(0.2)
        assert read()[1] != tag
        # From this machine bytes are cheap, from another one they are not.
        accepts = {"Accept-Encoding": "gzip", "If-None-Match": tag}
        _, plain, headers = get(address, accepts)
        assert "Content-Encoding" not in headers
        for far in ({"Host": "training.example:6006"}, {"X-Forwarded-For": "10.0.0.7"}):
            status, packed, headers = get(address, accepts | far)
            assert (status, headers["Content-Encoding"]) == (200, "gzip")
            assert len(packed) < 0.5 * len(plain)
            assert gzip.decompress(packed) == plain
        status, body, headers = get(address, {"Host": "training.example:6006"})
        assert (body, headers.get("Content-Encoding")) == (plain, None)
