"""State dicts brought to a PyTorch module."""

from collections.abc import Mapping
from typing import Any

from tensorboard_picasso.checkpoints import CheckpointError

_LISTED = 3  # names in an error


def is_state(value: Any) -> bool:
    """Whether a value is a state dict: a mapping of names, to tensors for the most part."""
    import torch

    return (
        isinstance(value, Mapping)
        and all(isinstance(key, str) for key in value)
        and any(isinstance(each, torch.Tensor) for each in value.values())
    )


def load(model: Any, state: Mapping[str, Any]) -> None:
    """Put a state into a module, all of it or nothing.

    Where trainers hold the module within another, names begin with where it was, such as
    "model." or "module._orig_mod.": that is taken off where all the module's names are
    there behind it, and what stands beside it (a loss, metrics) is left.

    Raises:
      CheckpointError: it is of another module.
    """
    import torch

    if not isinstance(model, torch.nn.Module):
        package = type(model).__module__.partition(".")[0]
        raise CheckpointError(f"{package}'s {type(model).__name__} is no PyTorch module")
    wanted = model.state_dict()
    if state.keys() != wanted.keys():
        prefix = _prefix(wanted, state)
        if prefix:
            cut = len(prefix)
            state = {name[cut:]: v for name, v in state.items() if name.startswith(prefix)}
    _check(wanted, state)
    model.load_state_dict(state)


def _prefix(wanted: Mapping[str, Any], state: Mapping[str, Any]) -> str:
    """What stands before all the module's names in the state's; empty: nothing does."""
    if not wanted or all(name in state for name in wanted):
        return ""
    one = next(iter(wanted))
    prefixes = [
        name.removesuffix(one)
        for name in state
        if name.endswith(f".{one}") and all(name.removesuffix(one) + n in state for n in wanted)
    ]
    if len(prefixes) > 1:
        raise CheckpointError(f"the module fits under {' and '.join(prefixes)}")
    return prefixes[0] if prefixes else ""


def _check(wanted: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    missing = [name for name in wanted if name not in state]
    surplus = [name for name in state if name not in wanted]
    if missing or surplus:
        told = [f"lacks {_listed(missing)}"] if missing else []
        told += [f"has {_listed(surplus)}, which the module lacks"] if surplus else []
        raise CheckpointError(f"it {', and '.join(told)}")
    for name, value in state.items():
        ours = getattr(wanted[name], "shape", None)
        if ours is not None and tuple(ours) != tuple(getattr(value, "shape", ())):
            raise CheckpointError(
                f"{name} is {tuple(getattr(value, 'shape', ()))}, the module's {tuple(ours)}"
            )


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more
