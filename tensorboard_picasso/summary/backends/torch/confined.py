"""What runs for a map is confined to its thread: random numbers, writes, what is compiled.

PyTorch's random numbers, and whether compiled functions compile, are the whole process's.
Modes of dispatch are a thread's own: what draws gets a generator of ours there.
"""

import sys
import threading
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from tensorboard_picasso.summary.backends.torch.device import unchanged_numbers
from tensorboard_picasso.summary.backends.torch.models import check_initialized, evaluating
from tensorboard_picasso.summary.kit import report
from tensorboard_picasso.summary.reuse.torch_twin import Twin

_T = TypeVar("_T")

# Held while a user's own module is in evaluation mode for us.
ALONE = threading.RLock()


class ReachedError(BaseException):
    """The user's own module was about to be run; no `except Exception` of a model keeps it."""


class Drawing(TorchDispatchMode):
    """Random numbers come from generators of its own.

    Attributes:
      drew: whether any were asked for.
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.drew = False
        self._seed = seed
        self._generators: dict[Any, Any] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Called for each operation."""
        kwargs = kwargs or {}
        if torch.Tag.nondeterministic_seeded in func.tags:
            return self._drawn(func, args, kwargs)
        return func(*args, **kwargs)

    def _drawn(self, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        named = {each.name: each for each in func._schema.arguments}
        if not _draws(named, args, kwargs):
            return func(*args, **kwargs)
        self.drew = True
        if func is torch.ops.aten.native_dropout.default:
            return self._dropout(*args, **kwargs)
        tensors = [each for each in tree_leaves((args, kwargs)) if isinstance(each, torch.Tensor)]
        if "generator" not in named:
            other = _with_generator(func, set(named))
            if other is None:
                made = func.decompose(*args, **kwargs)
                if made is not NotImplemented:
                    return made
                # Attention that drops out, of a graphics processor: its kernel takes no generator.
                with unchanged_numbers(tensors):
                    return func(*args, **kwargs)
            func = other
        device = tensors[0].device if tensors else torch.device(kwargs.get("device") or "cpu")
        own = self._generator(device, kwargs.get("generator"))
        return func(*args, **{**kwargs, "generator": own})

    def _dropout(self, given: Any, p: float, train: bool | None = True) -> tuple[Any, Any]:
        kept = torch.empty_like(given, dtype=torch.bool)
        kept.bernoulli_(1 - p, generator=self._generator(given.device))
        return given * kept * (1 / (1 - p) if p < 1 else 0.0), kept

    def _generator(self, device: Any, theirs: Any = None) -> Any:
        """Ours of a device, or one that goes on from where another stands."""
        key = id(theirs) if theirs is not None else (device.type, device.index)
        if key not in self._generators:
            made = torch.Generator(device)
            if theirs is None:
                made.manual_seed(self._seed)
            else:
                made.set_state(theirs.get_state())
            self._generators[key] = made, theirs
        return self._generators[key][0]


class Watching(Drawing):
    """Sees besides what a twin's forward writes into, and that it stays in the twin.

    Attributes:
      ran: whether the twin was run at all.
    """

    def __init__(self, twin: Twin, seed: int = 0) -> None:
        super().__init__(seed)
        self.ran = False
        self._twin = twin

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Called for each operation.

        Raises:
          ReachedError: it takes a tensor of the user's own module.
        """
        kwargs = kwargs or {}
        for leaf in tree_leaves((args, kwargs)):
            if isinstance(leaf, torch.Tensor):
                if self._twin.is_own(leaf):
                    raise ReachedError
                self.ran = self.ran or self._twin.is_ours(leaf)
        if func._schema.is_mutable:
            for place, argument in enumerate(func._schema.arguments):
                if argument.alias_info is not None and argument.alias_info.is_write:
                    written = args[place] if place < len(args) else kwargs.get(argument.name)
                    for leaf in tree_leaves(written):
                        if isinstance(leaf, torch.Tensor):
                            self._twin.written(leaf)
        return super().__torch_dispatch__(func, types, args, kwargs)


def _draws(named: dict[str, Any], args: Any, kwargs: dict[str, Any]) -> bool:
    """Whether a random operation draws: of attentions and dropouts those alone that drop out."""
    for place, name in enumerate(named):
        if name in ("dropout_p", "dropout", "p", "train") and (place < len(args) or name in kwargs):
            value = args[place] if place < len(args) else kwargs[name]
            if value is False or (name != "train" and value == 0):
                return False
    return True


def _with_generator(func: Any, names: set[str]) -> Any:
    """The same operation where it takes a generator; None where there is none."""
    packet = func.overloadpacket
    for name in packet.overloads():
        overload = getattr(packet, name)
        if {each.name for each in overload._schema.arguments} == names | {"generator"}:
            return overload
    return None


class Confined:
    """Runs a module's twin so that nobody else sees it, and learns how it must be run.

    The first run, and the first after parts were exchanged, is watched: for random numbers,
    writes into what is the module's, and ways to the module itself past its twin.
    """

    def __init__(self, model: Any, name: str) -> None:
        """Know nothing yet.

        Args:
          model: the user's.
          name: of it, for people.
        """
        self._model, self._name = model, name
        self._twin: Twin | None = Twin(model)
        self._draws = False

    def run(self, body: Callable[[Any], _T], seed: int | None = None) -> _T:
        """What `body` makes of the module that it is to run.

        Args:
          body: calls it; may be called again.
          seed: of random numbers that others than the module draw.

        Raises:
          UnsupportedError: running the module would initialize it.
          Exception: what `body` raises.
        """
        check_initialized(self._model)
        with eagerly():
            while self._twin is not None:
                try:
                    model = self._twin.follow()
                except Exception:  # whatever an object of the user's says to being copied
                    self._look_deeper()
                    continue
                if not self._twin.fresh:
                    if seed is None and not self._draws:
                        return body(model)
                    with Drawing(seed or 0):
                        return body(model)
                watching = Watching(self._twin, seed or 0)
                try:
                    with watching:
                        result = body(model)
                except ReachedError:
                    self._look_deeper()
                    continue
                # What a tool draws says nothing of the module, nor does what does not run it.
                if watching.ran and seed is None:
                    self._twin.fresh, self._draws = False, watching.drew
                return result
            with ALONE, evaluating(self._model), Drawing(seed or 0):
                return body(self._model)

    def _look_deeper(self) -> None:
        if self._twin is not None:
            self._twin = None if self._twin.deep else self._twin.deeper()
        if self._twin is None:
            report.tell(
                f"alone {self._name}",
                f"{self._name} holds its parts in ways that cannot be copied, so it is itself set to"
                " evaluation mode meanwhile: let no other thread train it then",
            )


@contextmanager
def eagerly() -> Iterator[None]:
    """Nothing is compiled in this thread, and autocast keeps no weights for the training around.

    A compiled function would be compiled anew for another mode and other shapes. PyTorch's own
    switch (`set_stance`) is the whole process's; but a thread that says it is inside a kernel
    runs compiled functions as they were written.
    """
    caching = torch.is_autocast_cache_enabled()
    local = torch._guards._TLS if "torch._dynamo" in sys.modules else None
    before = getattr(local, "tracing_context", None)
    inside = types.SimpleNamespace(in_kernel_invocation=True)
    try:
        # Autocast keeps weights that it has cast. Some releases keep them without
        # their gradients, for the training around this to find.
        torch.set_autocast_cache_enabled(False)
        if local is not None:
            local.tracing_context = types.SimpleNamespace(fake_mode=inside)
        yield
    finally:
        torch.set_autocast_cache_enabled(caching)
        if local is not None:
            local.tracing_context = before
