"""PyTorch modules as graphs of calls, by `torch.fx`.

`fx.Tracer.trace` exchanges methods of `nn.Module`, functions of `math` and the like while it
traces, for all threads: another one's forward fails then. Here a copy of the module's structure
is traced instead, whose parts are of classes of their own.
"""

import functools
import inspect
import math
import types
from collections.abc import Callable
from typing import Any

from torch import fx, nn
from torch.fx import _symbolic_trace as symbolic

from tensorboard_picasso.summary.reuse.torch_twin import Copies


class UntraceableError(Exception):
    """The module is no graph of calls: why."""


class Trace:
    """The calls that a module makes of one input. Modules and weights are looked up live.

    Attributes:
      nodes: in the order in which they are called, without the output.
      output: the node that the module returns, alone or in a container of one.

    Raises:
      UntraceableError: `torch.fx` cannot trace it, or what it does cannot be taken apart.
    """

    def __init__(self, model: Any) -> None:
        _check_hooks(model)
        self._model = model
        self._defaults = _defaults(model)
        tracer = _Tracer()
        try:
            graph = tracer.graph_of(model, dict(self._defaults))
        except Exception as e:  # whatever the user's code raises for a stand-in
            reason = str(e).strip().split("\n")[0][:120]
            raise UntraceableError(f"torch.fx cannot trace it: {reason}") from e
        # Tensors that are no parameters and no buffers were hung on the copy.
        self._constants = {
            node.target: constant
            for node in graph.nodes
            if node.op == "get_attr"
            and (constant := getattr(tracer.root, node.target, None)) is not None
            and str(node.target).startswith("_tensor_constant")
        }
        tracer.forget()
        *self.nodes, last = graph.nodes
        self.output = _single(last.args[0])
        self.input = next(node for node in self.nodes if node.op == "placeholder")
        _check_writes(self)

    def module(self, node: fx.Node) -> Any:
        """The module that a node calls."""
        return self._model.get_submodule(node.target)

    def call(self, node: fx.Node, values: Any) -> Any:
        """What a node gives; `values` is a function from the nodes that it takes to theirs."""
        args, kwargs = (fx.node.map_arg(each, values) for each in (node.args, node.kwargs))
        if node.op == "call_module":
            return self.module(node)(*args, **kwargs)
        if node.op == "call_method":
            return getattr(args[0], str(node.target))(*args[1:], **kwargs)
        if node.op == "get_attr":
            return self._attribute(str(node.target))
        if node.op == "placeholder":
            return self._defaults[str(node.target).rpartition("_")[0]]
        return node.target(*args, **kwargs)

    def writes(self, node: fx.Node) -> bool:
        """Whether a call changes its first input."""
        if node.op == "call_module":
            return bool(getattr(self.module(node), "inplace", False))
        if node.op == "call_method":
            name = str(node.target)
            return name.endswith("_") and not name.endswith("__")
        if node.op != "call_function":
            return False
        name = getattr(node.target, "__name__", "")
        operators = ("setitem", "iadd", "isub", "imul", "itruediv", "ifloordiv", "ipow", "imod")
        in_place = name.endswith("_") and not name.endswith("__")
        return in_place or name in operators or bool(node.kwargs.get("inplace", False))

    def single(self, node: fx.Node) -> bool:
        """Whether its output is a tensor of its own that one call alone reads."""
        return len(node.users) == 1 and _fresh(self, node)

    def _attribute(self, target: str) -> Any:
        if target in self._constants:
            return self._constants[target]
        value = self._model
        for part in target.split("."):
            value = getattr(value, part)
        return value


class _Tracer(fx.Tracer):
    """Buffers stay what they are called, so that they are followed; compiled parts are opened."""

    proxy_buffer_attributes = True

    def graph_of(self, model: nn.Module, defaults: dict[str, Any]) -> fx.Graph:
        """The graph of a module, of which nothing is touched.

        Args:
          model: it.
          defaults: values of the arguments after the first.
        """
        self._proxies: dict[str, Any] = {}
        self._kinds: dict[type, type] = {}
        # Tensors are the module's own, so that each is known again.
        root = Copies(kind=self._kind, share=True).module(model)
        self.root, self.root_module_name = root, type(model).__name__
        self.submodule_paths = {each: name for name, each in root.named_modules()}
        self.graph = fx.Graph(tracer_cls=type(self))
        self.tensor_attrs = {
            value: f"{name}.{key}" if name else key
            for name, module in root.named_modules()
            for key, value in vars(module).items()
            if isinstance(value, symbolic._constant_attribute_types)
        }
        function, args = self.create_args_for_root(type(root).forward, True, defaults)
        self.create_node("output", "output", (self.create_arg(function(*args)),), {})
        return self.graph

    def forget(self) -> None:
        """Let go of the tensors: classes made here live until they are collected."""
        for module in list(self.root.modules()):
            vars(module)["_modules"], vars(module)["_parameters"], vars(module)["_buffers"] = (
                {},
                {},
                {},
            )
        self.tensor_attrs.clear()
        self._proxies.clear()

    def call_module(self, m: Any, forward: Any, args: Any, kwargs: Any) -> Any:
        """See `fx.Tracer`."""
        inner = getattr(m, "_orig_mod", None)
        if isinstance(inner, nn.Module):
            return inner(*args, **kwargs)
        return super().call_module(m, forward, args, kwargs)

    def _kind(self, kind: type) -> type:
        """A class of parts that tell this tracer of their calls and of what is read of them."""
        if kind not in self._kinds:

            def called(module: Any, *args: Any, **kwargs: Any) -> Any:
                forward = functools.partial(kind.__call__, module)
                return self.call_module(module, forward, args, kwargs)

            def read(module: Any, name: str) -> Any:
                return self.getattr(name, kind.__getattr__(module, name), self._proxies)  # type: ignore[attr-defined]

            names = {"__call__": called, "__getattr__": read, "__module__": kind.__module__}
            self._kinds[kind] = type(kind.__name__, (kind,), {**_wrapping(kind), **names})
        return self._kinds[kind]


def _wrapping(kind: type) -> dict[str, Any]:
    """The methods of a class that call what is a node as a whole: see `fx.wrap`.

    In copies of them these are other functions. Of `math` all are so.
    """
    methods: dict[str, Any] = {}
    for base in reversed(kind.__mro__):
        if base in nn.Module.__mro__ or base.__module__.startswith("torch.nn."):
            continue
        for name, method in vars(base).items():
            if type(method) is types.FunctionType:
                methods.pop(name, None)
                known = _wrapped(method.__globals__)
                if not known.keys().isdisjoint(method.__code__.co_names):
                    methods[name] = _with_globals(method, known)
    return methods


def _wrapped(known: dict[str, Any]) -> dict[str, Any]:
    """What a module's code calls that is a node as a whole, by its names there."""
    wrapped: dict[str, Any] = {}
    for (at, name), place in symbolic._wrapped_fns_to_patch.items():
        if at == id(known):
            builtins = known["__builtins__"]
            held = builtins if isinstance(builtins, dict) else vars(builtins)
            wrapped[name] = symbolic._create_wrapped_func(place.get(name, held.get(name)))
    of_math = {id(each) for each in vars(math).values() if callable(each)}
    for name, value in list(known.items()):
        if value is math:
            wrapped[name] = _Math("math")
        elif id(value) in of_math:
            wrapped[name] = symbolic._create_wrapped_func(value)
    return wrapped


class _Math(types.ModuleType):
    """`math`, whose functions are nodes where they are called with what is traced."""

    def __getattr__(self, name: str) -> Any:
        value = getattr(math, name)
        return symbolic._create_wrapped_func(value) if callable(value) else value


def _with_globals(method: Callable[..., Any], other: dict[str, Any]) -> Callable[..., Any]:
    """The same function where some of its globals are others."""
    made = types.FunctionType(
        method.__code__,
        {**method.__globals__, **other},
        method.__name__,
        method.__defaults__,
        method.__closure__,
    )
    made.__kwdefaults__ = method.__kwdefaults__
    return made


def _check_hooks(model: Any) -> None:
    hooks = nn.modules.module
    if hooks._global_forward_hooks or hooks._global_forward_pre_hooks:
        raise UntraceableError("hooks see every module's calls")
    for name, module in model.named_modules():
        compiled = isinstance(getattr(module, "_orig_mod", None), nn.Module)
        exchanged = "forward" in vars(module) and not compiled
        if module._forward_hooks or module._forward_pre_hooks or exchanged:
            raise UntraceableError(f"a hook sees the calls of {name or 'the model'!r}")


def _defaults(model: Any) -> dict[str, Any]:
    """Values of the arguments after the first.

    Raises:
      UntraceableError: one has none.
    """
    parameters = list(inspect.signature(model.forward).parameters.values())
    kinds = {each.kind for each in parameters}
    if not parameters or {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD} & kinds:
        raise UntraceableError("its forward takes any number of arguments")
    rest = {each.name: each.default for each in parameters[1:]}
    if inspect.Parameter.empty in rest.values():
        raise UntraceableError("its forward takes several inputs")
    return rest


def _single(output: Any) -> fx.Node:
    while isinstance(output, dict | list | tuple) and len(output) == 1:
        output = next(iter(output.values() if isinstance(output, dict) else output))
    if not isinstance(output, fx.Node):
        raise UntraceableError("it returns no single tensor")
    return output


def _check_writes(trace: Trace) -> None:
    """In-place calls are as good as others where nobody else reads what they overwrite.

    Raises:
      UntraceableError: somebody may.
    """
    for node in trace.nodes:
        if trace.writes(node):
            overwritten = list(node.all_input_nodes[:1])
            while overwritten:
                each = overwritten.pop()
                if each.op in ("placeholder", "get_attr") or len(each.users) > 1:
                    raise UntraceableError(f"{node.name} overwrites what others may read")
                if trace.writes(each):
                    overwritten += each.all_input_nodes[:1]
                elif not _fresh(trace, each):
                    overwritten += each.all_input_nodes


def _fresh(trace: Trace, node: fx.Node) -> bool:
    """Whether a call surely makes a tensor of its own."""
    if node.op == "call_module":
        return isinstance(trace.module(node), _FRESH)
    return getattr(node.target, "__name__", node.target) in _FRESH_NAMES


_FRESH = (
    nn.Conv2d, nn.Conv3d, nn.BatchNorm2d, nn.BatchNorm3d, nn.LayerNorm, nn.Linear, nn.MaxPool2d,
    nn.MaxPool3d, nn.AvgPool2d, nn.AvgPool3d, nn.ReLU, nn.ReLU6, nn.SiLU, nn.GELU, nn.Hardswish,
    nn.Sigmoid, nn.Hardsigmoid,
)  # fmt: skip
_FRESH_NAMES = ("add", "mul", "sub", "cat", "conv2d", "conv3d", "linear", "relu")
