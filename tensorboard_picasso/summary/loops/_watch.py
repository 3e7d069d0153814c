"""What a callback watches: a probe's maps, and the edits of a sample, logged at the same moments."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from tensorboard_picasso.summary import edits as known_edits
from tensorboard_picasso.summary.edits import Edit
from tensorboard_picasso.summary.explain import models
from tensorboard_picasso.summary.log import edits as log_of_edits
from tensorboard_picasso.summary.log import state, steps, writing
from tensorboard_picasso.summary.log.request import Destination, Moment, Terms
from tensorboard_picasso.summary.log.state import State
from tensorboard_picasso.summary.methods.base import Method
from tensorboard_picasso.summary.probe.probe import Probe


class Watch:
    """The probes of a callback, and what is asked of each.

    Attributes:
      probe: whose maps are logged.

    Raises:
      TypeError, ValueError: wrong arguments.
    """

    def __init__(
        self,
        probe: Probe,
        methods: Sequence[Method | str] | None,
        edited: Probe | None,
        edits: Sequence[Edit | str] | None,
        terms: Terms,
    ) -> None:
        self.probe = _checked("probe", probe)
        self._methods = steps.wanted(methods)
        for method in self._methods:
            method.check(probe)
        if edited is None and edits is not None:
            raise ValueError(f"edits={edits!r} of no images: pass edited=, a probe")
        self._sample = None if edited is None else _checked("edited", edited)
        if edited is not None and edited.name == probe.name and edited.hashes != probe.hashes:
            raise ValueError(
                f'probe and edited are both called "{probe.name}", and have other images: give one'
                " another name="
            )
        if self._sample is not None:
            models.share(self._sample, probe)
        self._edits = known_edits.wanted(edits)
        self._terms = terms

    def log(self, model: Any, into: Callable[[str], Destination], when: Moment) -> bool:
        """Log what is due; a budget pays for both, and leaves images of the edits out first.

        Args:
          model: what is explained.
          into: from a probe's name to where its records go.
          when: in training.

        Returns, raises: as `steps.log_record`.
        """
        where = into(self.probe.name)
        beside = partial(self._log_edits, model, into, when)
        return steps.log_record(self.probe, model, self._methods, where, when, self._terms, beside)

    def _log_edits(self, model: Any, into: Callable[[str], Destination], when: Moment) -> float:
        """Seconds that were spent on what is not repeated."""
        if self._sample is None:
            return 0.0
        where = into(self._sample.name)
        memory = state.find_kind(where.owner, where.name, log_of_edits.Edits)
        traced = memory.tracing_seconds
        log_of_edits.log_paid(self._sample, model, self._edits, where, when, self._terms)
        return memory.tracing_seconds - traced

    @contextmanager
    def gathered(self, model: Any) -> Iterator[bool]:
        """As `steps.gathered`, of all that is watched."""
        strict, leads = self._terms.strict, True
        with ExitStack() as stack:
            entered: list[Any] = []
            for probe in (self.probe, self._sample):
                if probe is not None and models.backend(probe, model) not in entered:
                    entered.append(models.backend(probe, model))
                    around = steps.gathered(probe, model, probe.name, strict)
                    leads = stack.enter_context(around) and leads
            yield leads

    def rehearse(self, model: Any, owner: Any = None) -> None:
        """Compute, before training, what was not computed yet, and write nothing.

        owner: of the log; None: there is none.

        Raises:
          Exception: what shows that it cannot work.
        """
        what, strict = f'"{self.probe.name}" before training', self._terms.strict
        memory = State() if owner is None else writing.settled(owner, self.probe.name)
        if memory.decided(self.probe) is None:
            steps.compute(self.probe, model, self._methods, memory, what, strict)
        if self._sample is None:
            return
        name, kind = self._sample.name, log_of_edits.Edits
        of_edits = kind() if owner is None else writing.settle(state.find_kind(owner, name, kind))
        if of_edits.decided(self._sample) is None:
            what = f'"{name}" before training'
            log_of_edits.compute(
                self._sample, model, self._edits, of_edits, what, Moment(0), self._terms
            )

    def settle(self, owner: Any) -> None:
        """Wait for what is being written.

        Raises:
          Exception: in strict mode what could not be.
        """
        writing.settled(owner, self.probe.name)
        if self._sample is not None:
            writing.settle(state.find_kind(owner, self._sample.name, log_of_edits.Edits))

    def forget(self, owner: Any) -> None:
        """Begin the log anew, once what is being written is."""
        self.settle(owner)
        state.forget(owner, self.probe.name)
        if self._sample is not None:
            state.forget(owner, self._sample.name)


def _checked(what: str, probe: Probe) -> Probe:
    if not isinstance(probe, Probe):
        raise TypeError(f"{what} is {type(probe).__name__}: pass a summary.Probe")
    return probe
