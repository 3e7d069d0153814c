"""Ends of JAX' traced functions: scores may stand before a softmax or sigmoid."""

from collections.abc import Callable
from typing import Any

from tensorboard_picasso.numbers.maps import Output

# Equations that pass scores on, and that hold an inner program.
_PASSING = ("convert_element_type", "copy", "copy_p")
_CALLS = ("jit", "pjit")
# Those that do so where they take or add axes of length one alone.
_SHAPING = ("squeeze", "reshape", "slice")


def scores(function: Callable[[Any], Any], x: Any) -> tuple[Any, Output | None, bool]:
    """Call a function of one array, but for a final softmax or sigmoid.

    Returns:
      Its output or what stands before; what that shows itself to be, None where it
      does not; and whether it stands before.
    """
    import jax

    closed = jax.make_jaxpr(function)(x)
    raw, shown, behind = _scores(closed.jaxpr, closed.consts, [x])
    (output,) = closed.out_avals
    return raw.reshape(output.shape), shown, behind


def _scores(jaxpr: Any, consts: Any, given: Any) -> tuple[Any, Output | None, bool]:
    from jax.extend.core import ClosedJaxpr, jaxpr_as_fun

    makers = {id(made): equation for equation in jaxpr.eqns for made in equation.outvars}

    def maker(variable: Any, *names: str) -> Any:
        """The equation that makes a variable, where it is one of these."""
        equation = makers.get(id(variable))
        return equation if equation is not None and equation.primitive.name in names else None

    def values(variables: Any) -> Any:
        known = jaxpr.debug_info.with_unknown_names()
        cut = jaxpr.replace(outvars=list(variables), debug_info=known)
        return jaxpr_as_fun(ClosedJaxpr(cut, consts))(*given)

    (last,) = jaxpr.outvars
    while (passing := maker(last, *_PASSING, *_SHAPING)) is not None:
        before = passing.invars[0]
        if _sides(before) != _sides(last):
            break
        last = before
    if (call := maker(last, *_CALLS)) is not None and call.params["name"] != "log_softmax":
        inner = call.params["jaxpr"]
        index = [id(made) for made in call.outvars].index(id(last))
        cut = inner.jaxpr.replace(
            outvars=[inner.jaxpr.outvars[index]],
            debug_info=inner.jaxpr.debug_info.with_unknown_names(),
        )
        return _scores(cut, inner.consts, values(call.invars))
    if call is not None:
        return values([last])[0], Output.LOGITS, False
    if (sigmoid := maker(last, "logistic")) is not None:
        return values([sigmoid.invars[0]])[0], Output.SIGMOID, True
    logits = _before_softmax(last, maker)
    if logits is not None:
        return values([logits])[0], Output.LOGITS, True
    added = maker(last, "add")
    ends = [last] if added is None else added.invars
    linear = any(maker(each, "dot_general") is not None for each in ends)
    return values([last])[0], Output.LOGITS if linear else None, False


def _sides(variable: Any) -> list[Any]:
    """Lengths of the axes that are longer than one."""
    return [length for length in variable.aval.shape if length != 1]


def _before_softmax(last: Any, maker: Callable[..., Any]) -> Any:
    """What a softmax over the classes of (n, …, classes) is given, None where there is none."""
    divided = maker(last, "div")
    if divided is None or last.aval.ndim not in (2, 4):
        return None
    powers, total = divided.invars
    spread = maker(total, "broadcast_in_dim", "reshape")
    summed = None if spread is None else maker(spread.invars[0], "reduce_sum")
    raised = maker(powers, "exp")
    if raised is None or summed is None or summed.invars[0] is not powers:
        return None
    if tuple(summed.params["axes"]) != (last.aval.ndim - 1,):
        return None
    given = raised.invars[0]
    # The largest is subtracted, so that nothing overflows.
    less = maker(given, "sub")
    if less is not None and maker(less.invars[1], "stop_gradient") is not None:
        return less.invars[0]
    return given
