"""A PyTorch module's structure beside it: other module objects, the same weights in memory.

What runs there sees other modes and other hooks than the module that is being trained, which
another thread may call meanwhile. Nothing of the user's is changed: neither a mode, nor a hook,
nor an attribute that a forward sets.
"""

import collections
import copy
import functools
import types
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

# Values that hold no module and no tensor.
_PLAIN = (type(None), bool, int, float, complex, str, bytes, torch.dtype, torch.device, torch.Size)
_LISTS = (tuple, set, frozenset, collections.deque)
_DICTS = (dict, collections.OrderedDict)
# What every module has, and mostly leaves empty: its hooks.
_HOOKS = {name for name, value in vars(nn.Module()).items() if type(value) in (*_DICTS, set)}


class Twin:
    """Follows a module: `follow` brings the twin to what the module is now.

    A part that was there before has the same twin as before.

    Attributes:
      root: the module's twin.
      deep: all that its objects hold is copied, not their structure alone.
      fresh: some part or tensor is another than when this was last set to false.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._pairs: dict[int, tuple[nn.Module, nn.Module]] = {}
        self._tensors: dict[int, tuple[Any, Any]] = {}
        self._ours: set[int] = set()
        self.deep = False
        # Places among the tensors of those that a forward writes into.
        self._own: set[int] = set()
        self.fresh = True
        self.root: nn.Module = model

    def follow(self) -> nn.Module:
        """The twin of the module as it is now, in evaluation mode."""
        pairs, count = self._pairs, len(self._tensors)
        # Not in inference mode: what is made there has no gradient.
        with torch.inference_mode(False):
            if self.deep:
                self._copy_all()
            else:
                copies = Copies(pairs)
                self.root = copies.module(self._model)
                self._pairs, self._tensors = copies.pairs, copies.tensors
            if self._pairs.keys() != pairs.keys() or len(self._tensors) != count:
                self.fresh, self._own = True, set()
            self._ours = {id(ours) for _, ours in self._tensors.values()}
            for place, (_, ours) in enumerate(self._tensors.values()):
                if place in self._own:
                    ours.data = ours.data.clone()
        for module in self.root.modules():
            if "training" in vars(module):  # past what assigning to a module looks for
                vars(module)["training"] = False
            else:
                module.training = False
        return self.root

    def deeper(self) -> "Twin":
        """One of all that the module's objects hold, as they reach modules in other ways."""
        made = Twin(self._model)
        made.deep = True
        return made

    def _copy_all(self) -> None:
        self._tensors = {id(each): (each, alias(each)) for each in _tensors(self._model)}
        memo = {key: ours for key, (_, ours) in self._tensors.items()}
        self.root = copy.deepcopy(self._model, memo)

    def is_own(self, tensor: Any) -> bool:
        """Whether a tensor is one of the user's module itself."""
        pair = self._tensors.get(id(tensor))
        return pair is not None and pair[0] is tensor and pair[1] is not tensor

    def is_ours(self, tensor: Any) -> bool:
        """Whether a tensor is one of the twin's."""
        return id(tensor) in self._ours

    def written(self, tensor: Any) -> None:
        """Give the twin memory of its own for what a forward writes into.

        Args:
          tensor: what it is about to write into, a view perhaps.
        """
        storage = tensor.untyped_storage()
        own: Any = None
        for place, (theirs, ours) in enumerate(self._tensors.values()):
            if ours is not theirs and _lies_in(theirs, storage) and _lies_in(ours, storage):
                own = storage.clone() if own is None else own
                # Our tensor alone: theirs is another object.
                ours.data = _within(own, ours)
                self._own.add(place)
        if own is not None:
            tensor.data = _within(own, tensor)


def _within(storage: Any, like: Any) -> Any:
    made = torch.empty(0, dtype=like.dtype, device=like.device)
    return made.set_(storage, like.storage_offset(), like.shape, like.stride())


def _lies_in(tensor: Any, storage: Any) -> bool:
    try:
        return bool(tensor.untyped_storage().data_ptr() == storage.data_ptr() != 0)
    except (RuntimeError, NotImplementedError):  # of a kind that has no storage
        return False


def _tensors(model: nn.Module) -> Iterator[Any]:
    """Parameters, buffers and tensors that are plain attributes."""
    yield from model.parameters()
    yield from model.buffers()
    for module in model.modules():
        for value in vars(module).values():
            if isinstance(value, torch.Tensor):
                yield value


class Copies:
    """Makes twins of modules and of what their attributes hold.

    Attributes:
      pairs: a module and its twin, by the module's id.
      tensors: a tensor and its twin's, by its id.
    """

    def __init__(
        self,
        known: dict[int, tuple[nn.Module, nn.Module]] | None = None,
        kind: Callable[[type], type] = lambda kind: kind,
        share: bool = False,
    ) -> None:
        """Begin.

        Args:
          known: twins made before.
          kind: from a module's class to its twin's.
          share: whether tensors are the same objects.
        """
        self.pairs: dict[int, tuple[nn.Module, nn.Module]] = {}
        self.tensors: dict[int, tuple[Any, Any]] = {}
        self._known, self._kind, self._share = known or {}, kind, share
        self._memo: dict[int, tuple[Any, Any]] = {}

    def module(self, module: nn.Module) -> Any:
        """Its twin."""
        if id(module) in self.pairs:
            return self.pairs[id(module)][1]
        before = self._known.get(id(module))
        if isinstance(module, torch.jit.ScriptModule):
            return self._scripted(module, before)
        inner = vars(module).get("_modules", {}).get("_orig_mod")
        kind = _Opened if isinstance(inner, nn.Module) else type(module)
        if before is not None and before[0] is module and isinstance(before[1], kind):
            made = before[1]
        else:
            made = object.__new__(self._kind(kind))
        self.pairs[id(module)] = module, made
        attributes: dict[str, Any] = {}
        for name, value in list(vars(module).items()):
            if name == "_modules":
                attributes[name] = {
                    key: None if child is None else self.module(child)
                    for key, child in list(value.items())
                }
            elif name in ("_parameters", "_buffers"):
                attributes[name] = {
                    key: None if tensor is None else self._tensor(tensor)
                    for key, tensor in list(value.items())
                }
            elif name in _HOOKS and type(value) in (*_DICTS, set) and not value:
                attributes[name] = type(value)()
            elif name == "_compiled_call_impl" or (name == "forward" and kind is _Opened):
                continue
            else:
                attributes[name] = self._other(value)
        compiled = getattr(kind.forward, "_torchdynamo_orig_callable", None)
        if compiled is not None and "forward" not in attributes:
            attributes["forward"] = types.MethodType(compiled, made)
        held: dict[str, Any] = made.__dict__
        held.clear()
        held.update(attributes)
        return made

    def _scripted(self, module: Any, before: Any) -> Any:
        """Of what TorchScript has compiled: a copy, with the weights of the module.

        Copies that share their code share what is known of its runs: in which of them there
        were gradients.
        """
        if before is not None and before[0] is module:
            made = before[1]
        else:
            # As `torch.jit.load` does, which warns of being old.
            code = torch._C.CompilationUnit()
            stored = torch._C.import_ir_module_from_buffer(
                code, module.save_to_buffer(), None, {}, False
            )
            made = torch.jit._recursive.wrap_cpp_module(stored)
        self.pairs[id(module)] = module, made
        pairs = zip(
            [*module.parameters(), *module.buffers()],
            [*made.parameters(), *made.buffers()],
            strict=True,
        )
        for theirs, ours in pairs:
            ours.data = theirs.data
            self.tensors[id(theirs)] = theirs, ours
        return made

    def _tensor(self, tensor: Any) -> Any:
        if self._share:
            return tensor
        if id(tensor) not in self.tensors:
            self.tensors[id(tensor)] = tensor, alias(tensor)
        return self.tensors[id(tensor)][1]

    def _other(self, value: Any) -> Any:
        """What an attribute holds, with the twins of modules and tensors in their place."""
        kind = type(value)
        if kind in _PLAIN:
            return value
        if isinstance(value, torch.Tensor):
            return self._tensor(value)
        if isinstance(value, nn.Module):
            return self.module(value)
        if id(value) in self._memo:
            return self._memo[id(value)][1]
        made = self._made(value, kind)
        self._memo[id(value)] = value, made
        return made

    def _made(self, value: Any, kind: type) -> Any:
        if kind in _DICTS:
            items: dict[Any, Any] = kind()
            self._memo[id(value)] = value, items
            items.update((key, self._other(each)) for key, each in list(value.items()))
            return items
        if kind is list:
            listed: list[Any] = []
            self._memo[id(value)] = value, listed
            listed += map(self._other, list(value))
            return listed
        if kind is collections.defaultdict:
            pairs = [(key, self._other(each)) for key, each in list(value.items())]
            return kind(value.default_factory, pairs)
        if kind in _LISTS:
            return kind(map(self._other, list(value)))
        return self._called(value, kind)

    def _called(self, value: Any, kind: type) -> Any:
        """What can be called, on the twins of what it is bound to."""
        if kind is types.FunctionType:
            return self._function(_eager(value))
        if kind is types.MethodType:
            owner, function = self._other(value.__self__), _eager(value.__func__)
            same = owner is value.__self__ and function is value.__func__
            return value if same else types.MethodType(function, owner)
        if kind is functools.partial:
            named = {key: self._other(each) for key, each in value.keywords.items()}
            return kind(self._other(value.func), *map(self._other, value.args), **named)
        if kind is weakref.ReferenceType and isinstance(target := value(), nn.Module):
            return weakref.ref(self.module(target))
        return value

    def _function(self, function: Any) -> Any:
        """A function, with the twins of what it closes over."""
        if type(function) is not types.FunctionType:
            return self._other(function)
        if not function.__closure__:
            return function
        cells, changed = [], False
        for cell in function.__closure__:
            try:
                content = cell.cell_contents
            except ValueError:  # not filled yet
                cells.append(cell)
                continue
            # Its own containers it may share with other functions.
            other = content
            if isinstance(content, nn.Module | torch.Tensor | types.MethodType):
                other = self._other(content)
            changed = changed or other is not content
            cells.append(types.CellType(other))
        if not changed:
            return function
        made = types.FunctionType(
            function.__code__,
            function.__globals__,
            function.__name__,
            function.__defaults__,
            tuple(cells),
        )
        made.__kwdefaults__ = function.__kwdefaults__
        vars(made).update(vars(function))
        return made


class _Opened(nn.Module):
    """In place of a part that is compiled: what it compiles."""

    def forward(self, *args: Any, **keywords: Any) -> Any:
        """Call it."""
        return self._orig_mod(*args, **keywords)

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name == "_orig_mod":
                raise
            return getattr(self._orig_mod, name)


def _eager(function: Any) -> Any:
    """What a function compiles, where it does."""
    return getattr(function, "_torchdynamo_orig_callable", None) or function


def alias(tensor: Any) -> Any:
    """Another tensor object over the same memory, without gradients of its own."""
    kind = type(tensor)
    if torch.nn.parameter.is_lazy(tensor) or (
        kind.__torch_dispatch__ is not torch.Tensor.__torch_dispatch__
    ):
        return tensor  # of a kind of its own, which is known by what it is
    leaf = tensor.requires_grad and tensor.is_leaf
    made = tensor.data
    if kind is not torch.Tensor:
        made = torch.Tensor._make_subclass(kind, made, leaf)
        vars(made).update(vars(tensor))
    elif leaf:
        made.requires_grad_()
    return made
