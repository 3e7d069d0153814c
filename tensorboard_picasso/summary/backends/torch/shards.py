"""Modules whose parameters lie in several processes: FSDP's, of both kinds, and other DTensors'.

All of these processes bring the parameters together, once a record. The first of them then
explains a copy of the module that has them whole, and the others go on: no pass goes through the
sharded module, whose every pass takes all processes and changes what they hold.
"""

import datetime
import itertools
import sys
import threading
import time
import types
import weakref
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from tensorboard_picasso.summary.backends.base import UnsupportedError
from tensorboard_picasso.summary.kit.locks import Lock

# How long a process waits for the others to call too, seconds.
WAIT = 60.0

# How often it is looked where the main thread is.
LOOKS = 5
# Modules of PyTorch's that a training is in.
_TRAINING = (
    "torch.nn.",
    "torch._tensor",
    "torch.autograd",
    "torch.optim",
    "torch.distributed.fsdp",
)

# The thread that brought parameters together.
_caller: weakref.ref[threading.Thread] | None = None
_calling = Lock()

# What a module has of others.
_HELD = ("_parameters", "_buffers", "_modules")

_meetings: dict[str, Iterator[int]] = {}


@dataclass(frozen=True, eq=False)
class Part:
    """A module within one whose parameters are sharded as those of the whole."""

    whole: Any
    module: Any


def within(whole: Any, module: Any) -> Any:
    """A module as it is explained that is a part of another one, which FSDP may wrap."""
    if whole is None or whole is module or not _wrappers(whole):
        return module
    return Part(whole, module) if any(each is module for each in whole.modules()) else module


def is_sharded(model: Any) -> bool:
    """Whether parameters lie in several processes, or as if they did.

    Raises:
      UnsupportedError: they cannot be brought together.
    """
    part = isinstance(model, Part)
    whole, name = (model.whole if part else model), name_of(model.module if part else model)
    if any(hasattr(each, "ds_status") for each in whole.parameters()):
        raise UnsupportedError(
            f"DeepSpeed shards the parameters of {name}: log its checkpoints, converted by its"
            " zero_to_fp32.py, with `python -m tensorboard_picasso log`"
        )
    if _loose(whole):
        raise UnsupportedError(
            f"{name} is a part of what FullyShardedDataParallel wraps: pass the module that it"
            " wraps around"
        )
    return bool(_wrappers(whole)) or any(map(_is_dtensor, _tensors(whole)))


class Shards:
    """A module that is sharded, and the copy of it that is explained where it is whole.

    Attributes:
      changed: the last copy is another module than the one before.
    """

    def __init__(self, model: Any) -> None:
        self._whole = model.whole if isinstance(model, Part) else model
        self._model = model.module if isinstance(model, Part) else model
        self._name = name_of(self._model)
        self._layers: Any = None
        self._copy: Any = None
        self.changed = False

    @property
    def leads(self) -> bool:
        """Whether this process is the one that explains it."""
        return _rank() == self._ranks[0]

    def gather(self) -> Any:
        """The module with its parameters whole; None in all processes but the first.

        Raises:
          UnsupportedError: not all of the processes call it, or another thread than the one
            that trains.
        """
        import torch

        _check_thread(self._name)
        _meet(self._ranks, self._name)
        with torch.no_grad(), self._summoned():
            whole = {}
            for tensor in _tensors(self._whole):
                if id(tensor) not in whole:
                    # Of all processes, one after the other, also where this one needs none.
                    full = tensor.full_tensor() if _is_dtensor(tensor) else tensor
                    whole[id(tensor)] = full.detach().clone() if self.leads else None
            return self._copied(whole) if self.leads else None

    def release(self) -> None:
        """Let go of the parameters."""
        if self._copy is not None:
            for parameter in self._copy.parameters():
                parameter.data = parameter.data.new_empty(0)

    @property
    def _ranks(self) -> list[int]:
        """The processes that the parameters lie in."""
        import torch

        if not torch.distributed.is_initialized():
            return [0]
        ranks: set[int] = set()
        for wrapper in _wrappers(self._whole):
            for group in (wrapper.process_group, getattr(wrapper, "_inter_node_pg", None)):
                if group is not None:
                    ranks.update(torch.distributed.get_process_group_ranks(group))
        for tensor in _tensors(self._whole):
            if _is_dtensor(tensor):
                ranks.update(tensor.device_mesh.mesh.flatten().tolist())
        return sorted(ranks) or [0]

    def _summoned(self) -> Any:
        import torch

        if not _wrappers(self._whole):
            return nullcontext()
        wrapper = torch.distributed.fsdp.FullyShardedDataParallel
        return wrapper.summon_full_params(self._whole, writeback=False, rank0_only=True)

    def _copied(self, tensors: dict[int, Any]) -> Any:
        layers = [(name, id(each), type(each)) for name, each in self._whole.named_modules()]
        self.changed = layers != self._layers
        self._layers = layers
        made: dict[int, Any] = {}
        whole = _copy(self._whole, tensors, made)
        if self.changed:
            self._copy = whole
            self._explained = made[id(_inside(self._model))]
        else:
            # The same modules as at the last record, as what was found out of them is kept.
            for old, new in zip(self._copy.modules(), whole.modules(), strict=True):
                held = {name: vars(old)[name] for name in _HELD}
                vars(old).update({**vars(new), **held})
                _rebind(old, new)
            for mine, full in zip(_tensors(self._copy), _tensors(whole), strict=True):
                mine.data = full.data
        return self._explained


def name_of(module: Any) -> str:
    """The name of the user's own class."""
    return str(_class_of(_inside(module)).__name__)


def _class_of(module: Any) -> Any:
    """A module's class: FSDP's second kind puts one of its own before it."""
    ours = isinstance(module, _fsdp("FSDPModule"))
    return type(module).__mro__[2] if ours else type(module)


def _copy(module: Any, tensors: dict[int, Any], made: dict[int, Any]) -> Any:
    """The same module without what shards it, with other tensors."""
    import torch

    module = _inside(module)
    if id(module) in made:
        return made[id(module)]
    copied = made[id(module)] = object.__new__(_class_of(module))
    vars(copied).update(vars(module))
    for name, value in vars(module).items():
        if name.endswith(("_hooks", "_hooks_with_kwargs", "_hooks_always_called")) and isinstance(
            value, dict
        ):
            vars(copied)[name] = type(value)(
                (key, hook) for key, hook in value.items() if not _shards(hook)
            )

    _rebind(copied, module)

    def other(tensor: Any) -> Any:
        if tensor is None:
            return None
        if id(tensor) not in made:
            full = tensors[id(tensor)]
            of = isinstance(tensor, torch.nn.Parameter)
            made[id(tensor)] = torch.nn.Parameter(full, tensor.requires_grad) if of else full
        return made[id(tensor)]

    vars(copied)["_parameters"] = {
        name: other(parameter) for name, parameter in vars(module)["_parameters"].items()
    }
    vars(copied)["_buffers"] = {
        name: other(buffer) for name, buffer in vars(module)["_buffers"].items()
    }
    vars(copied)["_modules"] = {
        name: None if child is None else _copy(child, tensors, made)
        for name, child in vars(module)["_modules"].items()
    }
    return copied


def _rebind(copied: Any, module: Any) -> None:
    """Methods that a module holds of itself are then the copy's, such as Lightning's `forward`."""
    for name, value in list(vars(copied).items()):
        if isinstance(value, types.MethodType) and value.__self__ is module:
            vars(copied)[name] = types.MethodType(value.__func__, copied)


def _check_thread(name: str) -> None:
    """See that what takes all processes comes from one thread in each, as trainings do.

    Of several the processes might not hear in one order: they would wait for each other, or mix
    up what is not theirs, the training's own passes among it.

    Raises:
      UnsupportedError: another thread has called, or the main thread trains meanwhile.
    """
    global _caller
    mine = threading.current_thread()
    with _calling:
        caller = _caller() if _caller is not None else None
        if caller is None or not caller.is_alive():
            _caller, caller = weakref.ref(mine), mine
    if caller is not mine or _main_trains():
        raise UnsupportedError(
            f"{name} is sharded, and thread {mine.name!r} is not the one that trains it: call it"
            " from that thread alone, in each process"
        )


def _main_trains() -> bool:
    """Whether this is another thread than the main one, which is found at work in PyTorch."""
    main = threading.main_thread()
    if threading.current_thread() is main:
        return False
    for _ in range(LOOKS):
        frame = sys._current_frames().get(main.ident or 0)
        while frame is not None:
            if str(frame.f_globals.get("__name__", "")).startswith(_TRAINING):
                return True
            frame = frame.f_back
        time.sleep(0.005)
    return False


def _meet(ranks: list[int], name: str) -> None:
    """Wait until all of these processes are here, as what follows hangs where one is missing.

    Raises:
      UnsupportedError: one did not come.
    """
    import torch

    if len(ranks) < 2:
        return
    store = torch.distributed.distributed_c10d._get_default_store()
    of = f"picasso/{name}/{'-'.join(map(str, ranks))}"
    for number in _meetings.setdefault(of, itertools.count()):
        count, verdict = f"{of}/{number}/count", f"{of}/{number}/verdict"
        if not store.check([verdict]):
            break  # else it was given up before this process came
    # The first one to say so decides for all, whether it waited too long or came last.
    if store.add(count, 1) == len(ranks):
        store.compare_set(verdict, "", "all")
    try:
        store.wait([verdict], datetime.timedelta(seconds=WAIT))
    except RuntimeError:
        store.compare_set(verdict, "", "late")
    if store.get(verdict) != b"all":
        raise UnsupportedError(
            f"{name} is sharded over {len(ranks)} processes, and not all of them called within"
            f" {WAIT:.0f} s: call it in every process, as it is called in the first"
        )


def _rank() -> int:
    import torch

    return torch.distributed.get_rank() if torch.distributed.is_initialized() else 0


def _fsdp(name: str) -> Any:
    """A class of FSDP's; none where nobody has imported it, so that nothing is of it."""
    return getattr(sys.modules.get("torch.distributed.fsdp"), name, ())


def _wrappers(model: Any) -> list[Any]:
    wrapper = _fsdp("FullyShardedDataParallel")
    return [each for each in model.modules() if isinstance(each, wrapper)]


def _inside(module: Any) -> Any:
    while isinstance(module, _fsdp("FullyShardedDataParallel")):
        module = module.module
    return module


def _is_dtensor(tensor: Any) -> bool:
    return isinstance(tensor, getattr(sys.modules.get("torch.distributed.tensor"), "DTensor", ()))


def _tensors(model: Any) -> list[Any]:
    return [*model.parameters(), *model.buffers()]


def _loose(model: Any) -> bool:
    """Whether it holds parameters that belong to a wrapper around it."""
    held = {id(each) for wrapper in _wrappers(model) for each in wrapper.parameters()}
    return any(
        id(parameter) not in held
        and (
            getattr(parameter, "_fsdp_flattened", False)
            or type(parameter).__name__ == "FlatParameter"
        )
        for parameter in model.parameters()
    )


def _shards(hook: Any) -> bool:
    """Whether a hook is one of those that shard a module."""
    hook = getattr(hook, "func", hook)
    return str(getattr(hook, "__module__", "")).startswith("torch.distributed.")
