"""A function that several backends may adapt."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.summary.backends.base import (
    Array,
    Arrival,
    Backend,
    Function,
    Hiding,
    Layer,
    UnsupportedError,
    out_of_memory,
)
from tensorboard_picasso.summary.kit import report

_T = TypeVar("_T")


class Attempts(Backend):
    """Tries backends in turn; the first that the function scores with stays.

    Where none does, what the first one said is raised: it is the surest.
    """

    name = "attempts"
    calls = True

    def __init__(self, backends: Sequence[Backend]) -> None:
        self._backends = list(backends)

    @property
    def deterministic(self) -> bool:
        """See `Backend.deterministic`."""
        return any(backend.deterministic for backend in self._backends)

    def scores(self, x: Array) -> Array:
        """See `Backend.scores`."""
        return self._scored(lambda backend: backend.scores(x))

    def fed(self, x: Array) -> tuple[tuple[int, ...], str]:
        """See `Backend.fed`."""
        return self._scored(lambda backend: backend.fed(x))

    def arrives(self, x: Array, over: bool) -> Arrival | None:
        """See `Backend.arrives`."""
        return self._told(self._backends[0], lambda first: first.arrives(x, over))

    def handles(self, x: Array) -> list[Any]:
        """See `Backend.handles`."""

        def handles(backend: Backend) -> list[Any]:
            if backend is not self._backends[0]:
                backend.scores(x)  # to have none says nothing
            return backend.handles(x)

        return self._scored(handles)

    def occluded_scores(
        self,
        image: Array,
        boxes: NDArray[np.int64],
        filled: Array,
        model_input: Callable[[Array], Array],
    ) -> Array:
        """See `Backend.occluded_scores`."""
        return self._scored(
            lambda backend: backend.occluded_scores(image, boxes, filled, model_input)
        )

    def swept_scores(
        self,
        hidings: Sequence[Hiding],
        model_input: Callable[[Array], Array],
        in_place: bool,
        reuse: bool = True,
    ) -> list[Array]:
        """See `Backend.swept_scores`."""
        return self._scored(
            lambda backend: backend.swept_scores(hidings, model_input, in_place, reuse)
        )

    @property
    def leads(self) -> bool:
        """See `Backend.leads`."""
        return self._backends[0].leads

    @property
    def sharded(self) -> bool:
        """See `Backend.sharded`."""
        return self._backends[0].sharded

    def gathered(self) -> AbstractContextManager[bool]:
        """See `Backend.gathered`."""
        return self._backends[0].gathered()

    @property
    def sweep_told(self) -> str:
        """See `Backend.sweep_told`."""
        return self._backends[0].sweep_told

    def gradient(
        self,
        x: Array,
        cotangent: Array,
        layer: str | None = None,
        preprocess: Function | None = None,
    ) -> Array:
        """See `Backend.gradient`."""
        return self._told(
            self._backends[0], lambda first: first.gradient(x, cotangent, layer, preprocess)
        )

    def differentiates(self, preprocess: Function, given: Array, inputs: Array) -> bool:
        """See `Backend.differentiates`."""
        return self._told(
            self._backends[0], lambda first: first.differentiates(preprocess, given, inputs)
        )

    def handed(
        self,
        x: Array,
        score: Function,
        slope: Function,
        tool: Callable[[Any, Any, Any], Any],
        layer: str | None = None,
        preprocess: Function | None = None,
        seed: int = 0,
    ) -> Array:
        """See `Backend.handed`."""
        given = x, score, slope, tool, layer, preprocess, seed
        return self._told(self._backends[0], lambda first: first.handed(*given))

    def activations(self, x: Array, layer: str) -> Array:
        """See `Backend.activations`."""
        return self._told(self._backends[0], lambda first: first.activations(x, layer))

    def layers(self, x: Array) -> list[Layer]:
        """See `Backend.layers`."""
        return self._told(self._backends[0], lambda first: first.layers(x))

    def reaches(self, x: Array, layer: str, places: NDArray[np.bool_]) -> bool:
        """See `Backend.reaches`."""
        return self._told(self._backends[0], lambda first: first.reaches(x, layer, places))

    def _scored(self, attempt: Callable[[Backend], _T]) -> _T:
        surest: UnsupportedError | None = None
        for backend in self._backends:
            try:
                result = self._told(backend, attempt)
            except UnsupportedError as e:
                if surest is not None:
                    surest.add_note(f"(tried as {backend.name}: {report.reason(e)})")
                surest = surest or e
            except Exception as e:
                if surest is None or out_of_memory(e):
                    raise
                surest.add_note(f"(tried as {backend.name}: {report.reason(e)})")
                break
            else:
                self._backends = [backend]
                return result
        raise surest or UnsupportedError("there is nothing to try")

    def _told(self, backend: Backend, call: Callable[[Backend], _T]) -> _T:
        before = backend.tracing_seconds
        backend.call, backend.others = self.call, self.others
        try:
            return call(backend)
        finally:
            self.shown, self.behind = backend.shown, backend.behind
            self.tracing_seconds += backend.tracing_seconds - before
