"""The adapter of PyTorch's modules, eagerly and on the device where they lie."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.summary.backends._common.batch_size import in_batches
from tensorboard_picasso.summary.backends._common.call import by_rows
from tensorboard_picasso.summary.backends._common.fixed_batch import FixedBatch
from tensorboard_picasso.summary.backends._common.floating import takes_floats
from tensorboard_picasso.summary.backends._common.question import Others, beside
from tensorboard_picasso.summary.backends.base import (
    Adapter,
    Array,
    Arrival,
    Blending,
    Call,
    Function,
    Layer,
    Question,
    Room,
    Setup,
    Tool,
    UnsupportedError,
    Windows,
    floats,
    integers_only,
    no_gradient,
    no_tokens,
    same,
)
from tensorboard_picasso.summary.backends.torch.arrival import arriving
from tensorboard_picasso.summary.backends.torch.ends import ends
from tensorboard_picasso.summary.backends.torch.layers import calls, layer_named
from tensorboard_picasso.summary.backends.torch.models import (
    array,
    home,
    leads,
    recording,
    scored,
    unwrapped,
)
from tensorboard_picasso.summary.backends.torch.shards import Part, Shards, is_sharded, name_of
from tensorboard_picasso.summary.kit import report

_T = TypeVar("_T")


def copied(output: Any) -> Any:
    """What goes on of a layer's output: the next one may work in place (`ReLU(inplace=True)`)."""
    return output.clone() if hasattr(output, "clone") else output


class TorchAdapter(Adapter):
    """Calls a twin of the module in evaluation mode, eagerly, on the device where it lies."""

    name = "torch"
    calls = True
    layers_channels_first = True

    def __init__(self, model: Any, setup: Setup) -> None:
        super().__init__(model, setup)
        part = isinstance(model, Part)
        self._type = name_of(model.module if part else model)
        self._model = unwrapped(model.module if part else model)
        self._first = leads(model.module if part else model)
        self._given = model if part else self._model
        self._shards = Shards(self._given)
        self._home = self._model
        self._confined: Any = None
        self._end = 0  # which of the calls of last layers made the output, from the last one
        self._batch = FixedBatch(self._type)
        self._known: dict[Any, bool] = {}
        self._rooms: dict[Any, Room] = {}
        self._sweep: Any = None

    @property
    def deterministic(self) -> bool:
        """See `Adapter.deterministic`."""
        import torch

        return super().deterministic or torch.are_deterministic_algorithms_enabled()

    @property
    def room(self) -> Room:
        """See `Adapter.room`; as it is found first on a device."""
        from tensorboard_picasso.summary.backends.torch.device import room

        key = home(self._home)[0], self.deterministic
        if key not in self._rooms:
            self._rooms[key] = room(*key)
        return self._rooms[key]

    @property
    def sharded(self) -> bool:
        """See `Adapter.sharded`."""
        return is_sharded(self._given)

    @property
    def leads(self) -> bool:
        """See `Adapter.leads`."""
        return self._first and (not self.sharded or self._shards.leads)

    @contextmanager
    def gathered(self) -> Iterator[bool]:
        """See `Adapter.gathered`."""
        if not self.sharded:
            yield self.leads
            return
        whole, own = self._shards.gather(), self._home
        if self._shards.changed:
            self._sweep = self._confined = None
        self._home = own if whole is None else whole
        try:
            yield whole is not None
        finally:
            self._home = own
            self._shards.release()

    def scores(self, question: Question) -> Array:
        """See `Adapter.scores`."""
        import torch

        def scores() -> Array:
            with torch.no_grad():
                return array(self._forward(self._taken(question), question.others))

        return self._run(scores)

    def _run(self, body: Callable[[], _T], seed: int | None = None) -> _T:
        """Run what calls the model, which nobody else sees meanwhile.

        Args:
          body: runs it; again, where it turns out that it must be confined in another way.
          seed: of random numbers that others than the model draw.
        """
        from tensorboard_picasso.summary.backends.torch.confined import Confined

        if self._confined is None:
            self._confined = Confined(self._home, self._type)

        def on(model: Any) -> _T:
            self._model = model
            return body()

        made: _T = self._confined.run(on, seed)
        return made

    def swept_scores(self, windows: Windows) -> list[Array]:
        """See `Adapter.swept_scores`."""
        import torch

        sweep = self._sweeping()
        whole = "" if windows.reuse else "reuse=False"
        if self.setup.call != Call() or windows.others:
            whole = "the model has several inputs or outputs, or a score of its own"

        def swept() -> list[Array]:
            sweep.model = self._model
            with torch.no_grad():
                scores: list[Array] = sweep.scores(windows, whole)
            return scores

        return self._run(swept)

    def blended_scores(self, blending: Blending) -> Array:
        """See `Adapter.blended_scores`."""
        import torch

        from tensorboard_picasso.summary.backends.torch.blended import Blended

        sweep = self._sweeping()
        blended = Blended(sweep, lambda x: self._arranged(self._tensor(x)))

        def scores() -> Array:
            sweep.model = self._model
            with torch.no_grad():
                return blended.scores(blending)

        return self._run(scores)

    def tokens(self, question: Question) -> tuple[int, int]:
        """See `Adapter.tokens`."""
        grid: tuple[int, int] = self._run(lambda: self._tokens(question)).grid
        return grid

    def scores_without(self, question: Question, dropped: NDArray[np.bool_]) -> Array:
        """See `Adapter.scores_without`; images that keep as many tokens share batches."""
        import torch

        tokens = self._run(lambda: self._tokens(question))
        groups = tokens.kept(dropped)
        scores: Any = None
        for count, (rows, kept) in groups.items():

            def run(part: slice, kept: Any = kept) -> Array:
                def without() -> Array:
                    block = layer_named(self._model, tokens.block)
                    with torch.no_grad(), tokens.only(block, kept[part]):
                        return array(self._forward(self._taken(question), question.others))

                return self._run(without)

            kind = "tokens", count, question.x.shape, question.x.dtype
            made = in_batches(self, kind, len(rows), question.x.size, run)
            if len(made) != len(rows):
                raise no_tokens(self._type)
            scores = (
                np.empty((len(dropped), made.shape[1]), made.dtype) if scores is None else scores
            )
            scores[rows] = made
        rows, columns = tokens.grid
        self._sweeping().told = (
            f"tokens dropped: {len(dropped)} passes without up to"
            f" {dropped.sum((1, 2)).max()} of {rows}×{columns} tokens, whose patches are embedded"
            " once a batch"
        )
        found: Array = scores
        return found

    def _tokens(self, question: Question) -> Any:
        from tensorboard_picasso.summary.backends.torch.tokens import Tokens

        if question.others:
            raise no_tokens(f"{self._type}, which takes other inputs too,")
        return Tokens.of(self._model, self._type, tuple(self._taken(question).shape))

    def _sweeping(self) -> Any:
        from tensorboard_picasso.summary.backends.torch.sweep import Sweep

        if self._sweep is None:
            self._sweep = Sweep(
                lambda x: self._arranged(self._tensor(x)),
                self._forward,
                lambda: self.behind,
                lambda: self.deterministic,
                lambda: self.room,
            )
        return self._sweep

    @property
    def sweep_told(self) -> str:
        """See `Adapter.sweep_told`."""
        return self._sweep.told if self._sweep else "nothing was computed yet"

    @property
    def sweep_decided(self) -> bool:
        """See `Adapter.sweep_decided`."""
        return self._sweep is None or self._sweep.decided

    def gradient(self, question: Question, cotangent: Array) -> Array:
        """See `Adapter.gradient`."""
        slope: Array = self._slopes(question, lambda _: [np.asarray(cotangent)])[0]
        return slope

    def slopes(self, question: Question, cotangents: Function, count: int) -> Array:
        """See `Adapter.slopes`; the model is run once for all sums."""
        return np.stack(self._slopes(question, lambda scores: cotangents(array(scores))))

    def _slopes(self, question: Question, cotangents: Function) -> list[Array]:
        """Derivatives of sums of the scores, by their cotangents of the model's scores."""
        import torch

        from tensorboard_picasso.summary.backends.torch.device import sent

        x, layer, preprocess = question.x, question.layer, question.preprocess
        if preprocess is None and layer is None:
            x = self._differentiable(question)

        def sloped() -> Any:
            with recording(), self._captured(layer) as captured:
                given = (
                    self._tensor(x) if preprocess is None else torch.from_numpy(floats(x).copy())
                )
                if given.is_floating_point():
                    given.requires_grad_()
                # A copy: modules that work in place may not do so on what is differentiated by.
                copied = given.clone()
                batch = (
                    self._arranged(copied)
                    if preprocess is None
                    else self._moved(preprocess(copied))
                )
                scores = self._forward(batch, question.others)
                wanted = _one(layer, captured) if layer else given
                if scores.requires_grad and wanted.requires_grad:
                    slopes = []
                    sums = cotangents(scores.detach())
                    for at, each in enumerate(sums, 1):
                        weights = sent(np.array(each), scores.device, scores.dtype)
                        try:
                            (slope,) = torch.autograd.grad(
                                scores,
                                [wanted],
                                [weights],
                                retain_graph=at < len(sums),
                                allow_unused=True,
                            )
                        except RuntimeError as e:
                            if "not implemented" not in str(e):
                                raise
                            raise no_gradient(self._type, layer, report.reason(e)) from e
                        slopes.append(None if slope is None else array(slope))
                    return slopes
                return [None]

        slopes = self._run(sloped)
        if any(each is None for each in slopes):
            raise no_gradient(self._type, layer)
        return list(slopes)

    def handed(self, question: Question, tool: Tool) -> Array:
        """See `Adapter.handed`."""
        import torch

        x, layer, preprocess = question.x, question.layer, question.preprocess
        if preprocess is None:
            x = self._differentiable(question)
        turned = preprocess is None and self.setup.channels_last and x.ndim in (4, 5)

        def made_by_tool() -> Any:
            with recording():
                if preprocess is None:
                    given = self._arranged(self._tensor(x))
                else:
                    given = torch.from_numpy(floats(x).copy())
                place = layer_named(self._model, layer) if layer else None

                def raw(batch: Any) -> Any:
                    taken = batch if preprocess is None else self._moved(preprocess(batch))
                    return self._raw(taken, question.others)

                model = scored(self._model, raw, tool.score, tool.slope)
                return tool.run(model, given.requires_grad_(), place)

        made = self._run(made_by_tool, tool.seed)
        if not isinstance(made, torch.Tensor):
            raise UnsupportedError(f"the tool returns {type(made).__name__}, not one tensor")
        result = array(made)
        return np.moveaxis(result, 1, -1) if turned and layer is None else result

    def activations(self, question: Question) -> Array:
        """See `Adapter.activations`."""
        import torch

        layer = str(question.layer)

        def activations() -> Array:
            with torch.no_grad(), self._captured(layer) as captured:
                self._forward(self._taken(question), question.others)
                return array(_one(layer, captured))

        return self._run(activations)

    def fed(self, question: Question) -> tuple[tuple[int, ...], str]:
        """See `Adapter.fed`."""
        batch = self._taken(question)
        return tuple(batch.shape), str(batch.dtype).removeprefix("torch.")

    def arrives(self, question: Question, over: bool) -> Arrival | None:
        """See `Adapter.arrives`."""
        import torch

        def arrived() -> Arrival | None:
            with torch.no_grad(), self._arriving(over) as arrivals:
                if arrivals is not None:
                    self._forward(self._taken(question), question.others)
            return arrivals[0] if arrivals else None

        return self._run(arrived)

    def _arriving(self, over: bool) -> AbstractContextManager[list[Arrival] | None]:
        """Collects what arrives at normalizations, in order; None: there is nothing to collect."""
        return arriving(self._model, over)

    def layers(self, question: Question) -> list[Layer]:
        """See `Adapter.layers`."""
        import torch

        def noted() -> list[Layer]:
            with torch.no_grad(), self._noted(len(question.x)) as layers:
                self._forward(self._taken(question), question.others)
            return layers

        return self._run(noted)

    def reaches(self, question: Question, places: NDArray[np.bool_]) -> bool:
        """See `Adapter.reaches`."""
        import torch

        from tensorboard_picasso.summary.backends.torch.device import sent

        def marked(output: Any) -> Any:
            return output.masked_fill(sent(places, output.device), torch.nan)

        def scores() -> Array:
            with torch.no_grad(), self._captured(question.layer, marked):
                return array(self._forward(self._taken(question), question.others))

        return not same(self._run(scores), self.scores(question))

    def _noted(self, count: int) -> AbstractContextManager[list[Layer]]:
        """Collects the calls of layers as they end, for so many inputs."""
        return calls(self._model, count)

    def differentiates(self, question: Question, inputs: Array) -> bool:
        """See `Adapter.differentiates`; found out once a shape."""
        import torch

        given, preprocess = question.x, question.preprocess
        if preprocess is None:
            return True
        key = (preprocess, given.shape[1:], given.dtype)
        if key not in self._known:

            def sloped() -> tuple[Any, Any]:
                with recording():
                    x = torch.from_numpy(floats(given).copy()).requires_grad_()
                    made = preprocess(x.clone())
                    # Of a random sum: the plain one of standardised images does not move.
                    generator = torch.Generator("cpu").manual_seed(0)
                    weights = torch.randn(made.shape, generator=generator, device="cpu")
                    (slope,) = torch.autograd.grad(made, [x], [weights.to(made)])
                    return made, slope

            try:
                made, slope = self._run(sloped)
            except Exception:
                # Whatever the user's NumPy code raises for a tensor: it is not PyTorch's.
                self._known[key] = False
            else:
                self._known[key] = same(array(made), inputs) and bool(slope.any())
        return self._known[key]

    def _differentiable(self, question: Question) -> Array:
        """Inputs as floats that the model makes the same scores of.

        Raises:
          UnsupportedError: it takes integers only.
        """
        # Whatever a module says of floats is a refusal.
        if not takes_floats(self, question, Exception, self._known):
            raise integers_only(self._type, question.x.dtype)
        return floats(question.x)

    def _tensor(self, x: Array) -> Any:
        from tensorboard_picasso.summary.backends.torch.device import sent

        device, dtype = home(self._home)
        # A copy: a module may write into its input.
        return sent(np.array(x, order="C"), device, dtype if x.dtype.kind == "f" else None)

    def _moved(self, batch: Any) -> Any:
        """A batch where the model lies; floats in its precision, integers as they are."""
        device, dtype = home(self._home)
        return batch.to(device, dtype if batch.is_floating_point() else None)

    def _arranged(self, batch: Any) -> Any:
        """The probe's own images with their channels where PyTorch has them."""
        if not (self.setup.channels_last and batch.ndim in (4, 5)):
            return batch
        import torch

        # Not `contiguous()`: of one channel it leaves strides that convolutions take for
        # channels last, and `view` then fails behind them.
        return batch.movedim(-1, 1).clone(memory_format=torch.contiguous_format)

    def _taken(self, question: Question) -> Any:
        """A batch as the module takes it."""
        return self._arranged(self._tensor(question.x))

    def _beside(self, others: Others, count: int) -> list[Any]:
        """What the call takes beside so many images, where the model lies."""
        return [self._tensor(each) for each in beside(others, count)]

    def _forward(self, batch: Any, others: Others) -> Any:
        """Scores: the model's output, or what stands before its final softmax or sigmoid."""
        return self._in_batches(batch, lambda part: self._scored(part, others))

    def _in_batches(self, batch: Any, scored: Function) -> Any:
        """Scores of a batch, in batches of the model's one size where it has one."""
        import torch

        parts = self._batch.run(
            len(batch), lambda rows: scored(batch if isinstance(rows, slice) else batch[rows])
        )
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _scored(self, batch: Any, others: Others) -> Any:
        import torch

        given = self._beside(others, len(batch))
        with ends(self._model) as last:
            outputs = self.setup.call.outputs(self._model, self._model.forward, batch, given)
        output = self.setup.call.scored(outputs, self._type, given)
        if not isinstance(output, torch.Tensor):
            raise UnsupportedError(f"{self._type} returns {type(output).__name__}, no tensor")
        self.shown, self.behind = None, False
        places = [place for place, each in enumerate(last) if each.made(output)]
        if not places:
            return by_rows(output, len(batch))
        self._end = places[0]
        end = last[self._end]
        if end.activation is None:
            self.shown = Output.LOGITS
        elif self.setup.look_behind:
            self.shown, self.behind = end.activation, True
            # Axes of length one may be lost behind the activation.
            return by_rows(end.given.reshape(output.shape), len(batch))
        return by_rows(output, len(batch))

    def _raw(self, batch: Any, others: Others) -> Any:
        """What `_forward` returns, also where a tool's hooks pass on copies of outputs."""
        return self._in_batches(batch, lambda part: self._raw_scored(part, others))

    def _raw_scored(self, batch: Any, others: Others) -> Any:
        call, given = self.setup.call, self._beside(others, len(batch))
        with ends(self._model) as last:
            outputs = call.outputs(self._model, self._model.forward, batch.clone(), given)
        output = call.scored(outputs, self._type, given)
        if self.behind:
            return by_rows(last[self._end].given.reshape(output.shape), len(batch))
        return by_rows(output, len(batch))

    @contextmanager
    def _captured(self, name: str | None, passed_on: Function = copied) -> Iterator[list[Any]]:
        """Collect what a named layer returns while the model runs, and what goes on of it."""
        captured: list[Any] = []
        if name is None:
            yield captured
            return

        def capture(_: Any, __: Any, output: Any) -> Any:
            captured.append(output)
            return passed_on(output)

        hook = layer_named(self._model, name).register_forward_hook(capture)
        try:
            yield captured
        finally:
            hook.remove()


def _one(name: str, captured: list[Any]) -> Any:
    import torch

    if len(captured) != 1 or not isinstance(captured[0], torch.Tensor):
        raise UnsupportedError(
            f"layer {name!r} is called {len(captured)} times and returns"
            f" {type(captured[0]).__name__ if captured else 'nothing'}:"
            " name one that is called once and returns one tensor"
        )
    return captured[0]
