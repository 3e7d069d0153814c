"""The summary ops. With a `tf.summary` writer they behave as `tf.summary` ops do."""

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from tensorboard_picasso.summary import backends, writers
from tensorboard_picasso.summary.edits import Edit
from tensorboard_picasso.summary.edits import wanted as wanted_edits
from tensorboard_picasso.summary.explain import models, views
from tensorboard_picasso.summary.kit import content
from tensorboard_picasso.summary.kit.images import layout, to_viewed
from tensorboard_picasso.summary.kit.locks import Lock
from tensorboard_picasso.summary.log import steps
from tensorboard_picasso.summary.log.budget import Budget
from tensorboard_picasso.summary.log.edits import log_edits
from tensorboard_picasso.summary.log.request import Destination, Moment, Terms
from tensorboard_picasso.summary.methods.base import Method
from tensorboard_picasso.summary.methods.occlusion import Occlusion
from tensorboard_picasso.summary.methods.saliency import Saliency
from tensorboard_picasso.summary.probe.probe import Probe
from tensorboard_picasso.summary.writers.base import Writer

# Probes that ops made for a name and images, the longest unused first.
_probes: OrderedDict[tuple[str, Hashable, Hashable], Probe] = OrderedDict()
_MAX_PROBES = 64
_making = Lock()

_Op = TypeVar("_Op", bound=Callable[..., Any])


def _as_it_is(op: _Op) -> _Op:
    """Keep AutoGraph from rewriting an op inside a `tf.function`.

    The mark is TensorFlow's own for what AutoGraph has done with; unlike
    `tf.autograph.experimental.do_not_convert` it needs no import of TensorFlow, and it
    leaves AutoGraph on for the user's model, which is traced in there.
    """
    op.autograph_info__ = {}  # type: ignore[attr-defined]
    return op


@_as_it_is
def attribution(
    probe: Probe | str,
    model: Any,
    images: Any = None,
    *,
    methods: Sequence[Method | str] | None = None,
    writer: Any = None,
    step: Any = None,
    epoch: Any = None,
    strict: bool = False,
    scalars: bool = True,
    budget: float | str | None = None,
    **probe_options: Any,
) -> Any:
    """Log class scores and maps of a probe: one pass, one event.

    Args:
      probe: a `Probe`, or its name; then `images` are needed, and further
        keywords go to `Probe`.
      model: a PyTorch `nn.Module`; a Keras model, `tf.Module`, SavedModel or
        TensorFlow function; a Flax nnx module or, of JAX, `functools.partial(function,
        parameters)`; or any function from a batch of images to scores (NumPy
        arrays), which has no gradient. TensorFlow's are traced once, as `tf.function`
        does: what they read of Python's own state later on, such as a flag, stays as
        it was then; variables are followed.
      images: for a name; as for `Probe`.
      methods: as objects or by name; default `[Occlusion(), Saliency()]`.
      writer: a log directory, of which this process writes one event file; a
        `SummaryWriter` of `torch.utils.tensorboard` or tensorboardX; a `tf.summary`
        writer. Default: the default one of `tf.summary`, with its step, name scopes
        and `record_if`.
      step: an integer; only `tf.summary` has a default.
      epoch: a number, recorded with the scores where it is known.
      strict: raise what fails, instead of warning once and going on; what fails to be
        written after a call, by the next one or by `flush`.
      scalars: also write ordinary scalars: means over the probe.
      budget: what this call may take, over training: a share of its time (0.02), or
        seconds for each time it is called ("0.5s"). Calls are skipped (False is returned)
        and, where that would be too many, strides doubled; see `docs/budget.md`.
      **probe_options: as for `Probe`.

    Returns:
      True where the record was accepted for writing, see `flush`, and where one was lost,
      as on a full disk, whether it was written, until one is; a tf.bool tensor inside a
      `tf.function`. Nothing is computed where nothing is recorded: of the processes
      that train a `DistributedDataParallel` model together all but the first get False. Of
      those that share the parameters of a sharded one (FSDP) each must call it.

    Raises:
      ValueError, TypeError: a wrong argument, or no writer; or the first computed
        call shows that the probe and the model do not go together.
      RuntimeError: XLA compiles the step that is being traced.

    Example:
        images = np.random.default_rng(0).random((2, 28, 28, 1))
        weights = np.random.default_rng(1).normal(size=(784, 3))

        def model(batch):
            return batch.reshape(len(batch), -1) @ weights

        probe = summary.Probe("noise", images, labels=[0, 2], output="logits")
        methods = [summary.Occlusion(window=7, stride=7), "rise"]
        assert summary.attribution(probe, model, methods=methods, writer="logs/run1", step=0)
    """
    wanted = steps.wanted(methods)
    if writer is None and _follows(probe, model, images, probe_options, strict):
        return False
    host = writers.default() if writer is None else writers.find(writer)
    terms = Terms(strict, scalars, Budget.of(budget))
    log = partial(steps.log_record, methods=wanted)
    return _logged(host, _Asked(probe, model, images, probe_options, log, epoch, terms), step)


@_as_it_is
def occlusion(
    probe: Probe | str,
    model: Any,
    images: Any = None,
    *,
    window: Any = None,
    stride: Any = None,
    positions: int | None = None,
    fill: Any = "mean",
    segments: Any = None,
    count: int | None = None,
    reuse: bool = True,
    label: str = "",
    **options: Any,
) -> Any:
    """Log class scores and occlusion maps; see `Occlusion` and `attribution`.

    Example:
        images = np.random.default_rng(0).random((2, 28, 28, 1))
        weights = np.random.default_rng(1).normal(size=(784, 3))

        def model(batch):
            return batch.reshape(len(batch), -1) @ weights

        probe = summary.Probe("noise", images, output="logits")
        assert summary.occlusion(probe, model, window=7, stride=7, writer="logs/run1", step=0)
    """
    method = Occlusion(
        window, stride, positions, fill, segments=segments, count=count, label=label, reuse=reuse
    )
    return attribution(probe, model, images, methods=[method], **options)


@_as_it_is
def saliency(
    probe: Probe | str,
    model: Any,
    images: Any = None,
    *,
    signed: bool = False,
    layer: str | None = None,
    score: str = "log-odds",
    precision: str = "q8",
    label: str = "",
    **options: Any,
) -> Any:
    """Log class scores and saliency maps; see `Saliency` and `attribution`.

    Example:
        images = np.random.default_rng(0).random((2, 1, 28, 28)).astype(np.float32)
        model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 3))
        probe = summary.Probe("noise", images, data_format="channels_first")
        assert summary.saliency(probe, model, signed=True, writer="logs/run1", step=0)
    """
    method = Saliency(signed, layer, score=score, precision=precision, label=label)
    return attribution(probe, model, images, methods=[method], **options)


@_as_it_is
def class_probabilities(probe: Probe | str, model: Any, images: Any = None, **options: Any) -> Any:
    """Log class scores alone, of whole images and with regions hidden; see `attribution`.

    Example:
        images = np.random.default_rng(0).random((2, 28, 28, 1))
        weights = np.random.default_rng(1).normal(size=(784, 3))

        def model(batch):
            return batch.reshape(len(batch), -1) @ weights

        corner = np.zeros((28, 28), bool)
        corner[:7, :7] = True
        probe = summary.Probe("noise", images, regions={"corner": corner}, output="logits")
        assert summary.class_probabilities(probe, model, writer="logs/run1", step=0)
    """
    return attribution(probe, model, images, methods=[], **options)


@_as_it_is
def edited(
    probe: Probe | str,
    model: Any,
    images: Any = None,
    *,
    edits: Sequence[Edit | str] | None = None,
    writer: Any = None,
    step: Any = None,
    epoch: Any = None,
    strict: bool = False,
    scalars: bool = True,
    budget: float | str | None = None,
    **probe_options: Any,
) -> Any:
    """Log whether the model's answers survive plain edits of the images.

    Asked of every image is the same list of questions: what is answered without colour, in the
    light of an image of another class, blurred, shuffled, with a band, the border or a named
    region hidden or swapped for another image's. A few forward passes an image and no
    gradient: a larger probe than that of the maps is as a rule affordable, and its own name
    tells it apart.

    Args:
      probe: a `Probe`, such as `Probe.from_dataset(validation, n=64, name="sample")`, or its
        name; then `images` are needed, and further keywords go to `Probe`. Swapped in are
        images of another class; without labels any other, and what was predicted at the
        first record stands for the true class.
      model, images, writer, step, epoch, strict: as for `attribution`.
      edits: which ones, by name or as objects; default `summary.edits.DEFAULT`.
      scalars: also write ordinary scalars: the mean over the images of how far each edit
        moves the answer.
      budget: as for `attribution`; fewer images are edited first, the same ones at each record,
        then calls are skipped; see `docs/budget.md`.
      **probe_options: as for `Probe`.

    Returns:
      As `attribution`.

    Raises:
      ValueError, TypeError: a wrong argument, or no writer; or the first computed
        call shows that the probe, the edits and the model do not go together.
      RuntimeError: XLA compiles the step that is being traced.

    Example:
        images = np.random.default_rng(0).random((8, 28, 28, 1))
        weights = np.random.default_rng(1).normal(size=(784, 3))

        def model(batch):
            return batch.reshape(len(batch), -1) @ weights

        sample = summary.Probe("sample", images, labels=[0, 1] * 4, output="logits")
        assert summary.edited(sample, model, edits=["blurred", "top"], writer="logs/run1", step=0)
    """
    wanted = wanted_edits(edits)
    if writer is None and _follows(probe, model, images, probe_options, strict):
        return False
    host = writers.default() if writer is None else writers.find(writer)
    log = partial(log_edits, edits=wanted)
    terms = Terms(strict, scalars, Budget.of(budget))
    return _logged(host, _Asked(probe, model, images, probe_options, log, epoch, terms), step)


def explain_plan(probe: Probe, model: Any, method: Occlusion | None = None) -> str:
    """How occlusion of a probe is computed, and why: with reuse or dense.

    Computes the first image's windows, until it is known which way is faster or some seconds
    have passed, and logs nothing.

    Args:
      probe: the images.
      model: as for `attribution`.
      method: with its settings; default `Occlusion()`.

    Raises:
      ValueError, TypeError: the settings, the images and the model do not go together.

    Example:
        model = torch.nn.Sequential(
            torch.nn.Conv2d(1, 4, 3), torch.nn.Flatten(), torch.nn.Linear(2704, 3)
        )
        images = np.random.default_rng(0).random((2, 1, 28, 28)).astype(np.float32)
        probe = summary.Probe("noise", images, data_format="channels_first")
        print(summary.explain_plan(probe, model))  # dense, or what is reused, and why
    """
    method = method or Occlusion()
    method.check(probe)
    if probe.task.over is not None:
        return "dense: scores are means over pixels of the model's output"
    backend = models.backend(probe, model)
    with backend.lock, backend.gathered() as leads:
        if backend.sharded and not leads:
            return "the first process computes"
        return method.plan(views.of_images(probe, backend)[0], probe)


@dataclass(frozen=True, eq=False)
class _Asked:
    """What a call of an op asks for, as it was given; see `attribution`.

    log: logs a record: `steps.log_record` with methods, `log_edits` with edits.
    """

    probe: Probe | str
    model: Any
    images: Any
    probe_options: dict[str, Any]
    log: Callable[..., bool]
    epoch: Any
    terms: Terms


def _logged(host: Writer, asked: _Asked, step: Any) -> Any:
    """Log what is asked for where a writer logs it; what `attribution` returns."""
    probe, model = asked.probe, asked.model
    given = {"images": asked.images, "epoch": asked.epoch, **asked.probe_options}
    symbolic = [key for key, value in given.items() if host.is_symbolic(value)]
    late = set(symbolic) - {"epoch"}
    if "epoch" not in symbolic:
        _epoch(asked.epoch)
    known = None if late else _probe(probe, asked.images, asked.probe_options)
    if host.owner is None:
        # As in `tf.summary` that is no mistake, but other frameworks know of no default.
        if "tensorflow" not in backends.names(model):
            raise writers.missing()
        return False
    with host.scoped(known.name if known else str(probe)) as name:

        def body(at: int, arrays: Sequence[Any]) -> bool:
            values = {**given, **dict(zip(symbolic, arrays, strict=True))}
            pictures, epoch = values.pop("images"), values.pop("epoch")
            watched = known or _probe(probe, pictures, values)
            with steps.gathered(watched, model, name, asked.terms.strict) as leads:
                return leads and asked.log(
                    watched,
                    model,
                    where=Destination.of(name, host),
                    when=Moment(at, _epoch(epoch)),
                    terms=asked.terms,
                )

        def handles() -> Sequence[Any]:
            if known is None:
                return host.variables(model)
            with host.outside_graph():  # preprocess may be TensorFlow's, and numbers are needed
                sample = known.model_input(known.images[0][None])
            backend = models.backend(known, model)
            with backend.lock:
                return views.of_images(known, backend)[0].handles(sample)

        return host.run(step, [given[key] for key in symbolic], handles, body)


def _follows(
    probe: Probe | str, model: Any, images: Any, options: dict[str, Any], strict: bool
) -> bool:
    """Whether another process logs the model, so that this one needs no writer to take part."""
    if backends.names(model) != ["torch"]:
        return False
    watched = _probe(probe, images, options)
    if models.backend(watched, model).leads:
        return False
    with steps.gathered(watched, model, watched.name, strict):
        return True


def _epoch(epoch: Any) -> float | None:
    if epoch is None:
        return None
    try:
        number = float(epoch)
    except (TypeError, ValueError) as e:
        raise TypeError(f"epoch={epoch!r}: pass a number") from e
    if not math.isfinite(number):
        raise ValueError(f"epoch={epoch!r}: pass a finite number")
    return number


def _probe(probe: Probe | str, images: Any, options: dict[str, Any]) -> Probe:
    if isinstance(probe, Probe):
        if images is not None or options:
            extra = ["images"] if images is not None else list(options)
            raise TypeError(
                f"a Probe has its own {', '.join(extra)}: pass a name to give them here"
            )
        return probe
    if images is None:
        raise TypeError(f"pass images for {probe!r}, or a Probe")
    viewed = to_viewed(images, layout(images, options.get("data_format")))
    key = probe, content.key(viewed), content.key(sorted(options.items()))
    with _making:
        if key not in _probes:
            made = Probe(probe, images, **options)
            for (name, *_), other in _probes.items():
                if name == probe:
                    # The images change from call to call, the model does not.
                    models.share(made, other)
            _probes[key] = made
            while len(_probes) > _MAX_PROBES:
                _probes.popitem(last=False)
        _probes.move_to_end(key)
        return _probes[key]
