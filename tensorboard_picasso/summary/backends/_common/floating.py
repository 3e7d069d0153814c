"""Floats in place of integers, for derivatives: whether a model makes the same scores of them."""

from typing import Any

from tensorboard_picasso.summary.backends.base import (
    Adapter,
    Question,
    broken,
    floats,
    out_of_memory,
    same,
)


def takes_floats(
    adapter: Adapter, question: Question, refusal: type[Exception], known: dict[Any, bool]
) -> bool:
    """Whether a model makes the same scores of its inputs as floats.

    Args:
      adapter: of the model.
      question: about a batch of model inputs.
      refusal: what the adapter raises where the model takes no floats.
      known: the answers for other batches, by shape and dtype; learns this one, but not of
        scores that have broken down.
    """
    x = question.x
    if x.dtype.kind == "f":
        return True
    key = ("floats", x.shape[1:], x.dtype)
    if key not in known:
        some = question.about(x[:1])
        try:
            cast, plain = adapter.scores(some.about(floats(some.x))), adapter.scores(some)
        except refusal as e:
            if out_of_memory(e):
                raise
            known[key] = False
        else:
            if broken(plain):
                return True
            known[key] = same(cast, plain)
    return known[key]
