"""Steps of a training while other threads call ops, and how what is left of two is compared."""

import threading

import numpy as np

X = np.random.default_rng(0).random((4, 1, 12, 12)).astype(np.float32)
OPTIONS = {"labels": [0, 1, 2, 0], "data_format": "channels_first", "output": "logits"}
OPTIONS["regions"] = {"top": np.arange(12)[:, None] + np.zeros((1, 12)) < 4}


def assert_same(found, expected):
    assert [key for key in expected if found.get(key) != expected[key]] == []
    assert found.keys() == expected.keys()


def beside(step, ops, count):
    """Take steps of a training until other threads have made so many calls each.

    Args:
      step: takes one.
      ops: an iterator a thread, that makes a call for each item.
      count: calls of each.
    """
    errors = []

    def go(each):
        try:
            for _ in range(count):
                next(each)
        except BaseException as e:
            errors.append(e)

    threads = [threading.Thread(target=go, args=(each,)) for each in ops]
    for each in threads:
        each.start()
    while any(each.is_alive() for each in threads):
        step()
    for each in threads:
        each.join()
    if errors:
        raise errors[0]
