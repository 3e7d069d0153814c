"""Captum's methods for PyTorch modules, through one adapter.

Captum is imported only once it is used.

References:
  Kokhlikyan et al. 2020, "Captum: A unified and generic model interpretability library for
  PyTorch", arXiv 2009.07896.
"""

import difflib
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.numbers.maps import Precision, Sign
from tensorboard_picasso.summary.backends.base import Tool, scripted
from tensorboard_picasso.summary.kit.frameworks import is_a
from tensorboard_picasso.summary.methods import _foreign
from tensorboard_picasso.summary.methods._site import Site, soundest_first
from tensorboard_picasso.summary.methods.base import (
    Answer,
    Floats,
    RandomMethod,
    Subject,
    pictures_alone,
)
from tensorboard_picasso.summary.methods.saliency import over_channels, rounding
from tensorboard_picasso.summary.probe.probe import Probe

# Those whose values add up to a difference of scores, or are one.
CONTRIBUTIONS = frozenset(
    {
        "DeepLift", "DeepLiftShap", "FeatureAblation", "FeaturePermutation", "GradientShap",
        "InputXGradient", "IntegratedGradients", "KernelShap", "LRP", "LayerDeepLift",
        "LayerDeepLiftShap", "LayerGradientShap", "LayerGradientXActivation",
        "LayerIntegratedGradients", "LayerLRP", "Lime", "Occlusion", "ShapleyValueSampling",
        "ShapleyValues",
    }
)  # fmt: skip
# Those that change what a module's parts pass back; of parts without hooks they make plain gradients.
BY_PARTS = frozenset({"DeepLift", "DeepLiftShap", "Deconvolution", "GuidedBackprop", "LRP"})


@dataclass(frozen=True)
class Captum(RandomMethod):
    """A method of Captum's on a PyTorch module: `Captum("DeepLift")`.

    Args:
      attribution: a class of `captum.attr`, its name, or a function that makes an instance
        of the module to explain (and, with `layer`, of the layer), such as
        `lambda model: NoiseTunnel(Saliency(model))`.
      arguments: of its `attribute`; arrays lie as the module's own input does.
      layer: a named layer, for methods that take one. What it returns is read, or brought
        over the image by the probe's `postprocess`, as `Saliency` does it.
      direction: of the values, "contribution", "direction" or "unsigned"; default:
        contribution for those classes of Captum's that give one, else unsigned.
      seed, second_seed_every: of PyTorch's and NumPy's random numbers, see
        `RandomMethod`; for methods that draw none a second seed says nothing.
      score, precision: see `MapMethod`. label: last part of the tag, by default such
        as captum-deeplift.

    Raises:
      ValueError: a setting that cannot be used.
    """

    name: ClassVar[str] = "captum"
    paper: ClassVar[str] = "Kokhlikyan et al. 2020, arXiv 2009.07896"
    needs: ClassVar[str] = "a PyTorch module"
    attribution: Any = "DeepLift"
    arguments: Mapping[str, Any] = field(default_factory=dict)
    layer: str | None = None
    direction: str | None = None
    second_seed_every: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.attribution, str) and not callable(self.attribution):
            raise ValueError(f'attribution={self.attribution!r}: pass a class, or "DeepLift"')
        if self.direction not in (None, *Sign):
            raise ValueError(f"direction={self.direction!r}: pass one of {', '.join(Sign)}")
        if not self.label and self._called.isidentifier():
            object.__setattr__(self, "label", f"captum-{self._called.lower()}")
        super().__post_init__()

    @property
    def _called(self) -> str:
        made = self.attribution
        if isinstance(made, partial):
            made = made.func
        return (
            made if isinstance(made, str) else str(getattr(made, "__name__", type(made).__name__))
        )

    @property
    def sign(self) -> Sign:
        """See `Method.sign`."""
        if self.direction is not None:
            return Sign(self.direction)
        return Sign.CONTRIBUTION if self._called in CONTRIBUTIONS else Sign.UNSIGNED

    @property
    def passes(self) -> str:
        """See `Method.passes`."""
        return "as Captum's takes, for each class"

    def check(self, probe: Probe) -> None:
        """See `Method.check`."""
        if self.layer is not None:
            pictures_alone(probe, f"layer={self.layer!r}", "leave it out")
        self._made_by()

    def _made_by(self) -> Any:
        try:
            attr = importlib.import_module("captum.attr")
        except ModuleNotFoundError as e:
            raise ValueError(
                f"{self._called}: Captum is not installed: pip install 'tensorboard-picasso[captum]'"
            ) from e
        if not isinstance(self.attribution, str):
            return self.attribution
        if not hasattr(attr, self.attribution):
            near = difflib.get_close_matches(self.attribution, dir(attr), 1)
            remedy = f"pass {near[0]!r}" if near else "pass a class of its list"
            raise ValueError(f"captum.attr has no {self.attribution!r}: {remedy}")
        return getattr(attr, self.attribution)

    def explain(self, subjects: Sequence[Subject]) -> list[Answer]:
        """See `Method.explain`; Captum gets one image and class at a time."""
        made_by = self._made_by()
        module = getattr(getattr(made_by, "func", made_by), "__module__", None) or "captum"
        sites = [Site(subject, self.layer) for subject in subjects]
        with _foreign.standing(module):
            answers = {site: self._explain(site) for site in soundest_first(sites)}
        return [answers[site] for site in sites]

    def _explain(self, site: Site) -> Answer:
        subject = site.subject
        attributed = np.concatenate([self._attributed(site, each) for each in subject.targets])
        signed = self.sign is not Sign.UNSIGNED
        placed = self._placed(site, attributed) if self.layer else site.channels_last(attributed)
        maps = placed if placed.ndim == 3 else over_channels(placed, signed)
        flat = site.enlarged(maps) if self.layer else list(maps)
        adds_up = self.sign is Sign.CONTRIBUTION and not self.layer
        values, unseen, pixels = site.over_image(flat, sums=adds_up)
        score = subject.score_name(self.score)
        contributes = self.sign is Sign.CONTRIBUTION
        smallest = rounding(subject, values[0].size, self.layer)
        return Answer(
            maps=dict(zip(subject.targets, values, strict=True)),
            unit=score if contributes else f"{score}, by {self._called}",
            score=score,
            seed=self.seed,
            parameters={
                "Captum": self._called,
                **{name: _text(value) for name, value in self.arguments.items()},
                "channels": "sum over channels" if signed else "maximum of |value| over channels",
                "pixels": pixels,
                **site.told,
            },
            layer=self.layer or "",
            precision=Precision(self.precision),
            unseen=unseen,
            rounding=subject.rounding / values[0].size if contributes else smallest,
        )

    def _placed(self, site: Site, made: Floats) -> Floats:
        """What Captum makes with a layer, (n, …), as (n, height, width, channels), or as maps.

        Raises:
          ValueError: it is neither of the layer's shape nor of the input's.
        """
        channels_first = np.moveaxis(site.channels_last(site.x[None]), -1, 1)
        if made.shape[1:] == channels_first.shape[1:]:
            return np.moveaxis(made, 1, -1)  # guided by the layer, it is over the input
        if site.subject.probe.postprocess is not None:
            return site.over_places(made).astype(np.float64)
        places = site.read()
        if places.first and made.shape[1:] == (1, *places.shape[1:]):
            return np.moveaxis(made, 1, -1)  # summed over the channels
        if made.shape[1:] != places.shape:
            raise ValueError(
                f"{self._called} makes {made.shape[1:]} of layer {self.layer!r}, which returns"
                f" {places.shape}: it takes channels to come first; use GradCAM(layer=) or"
                " Saliency(layer=), or give the probe a postprocess= that makes (n, height, width)"
                " of it"
            )
        return places.of(made)

    def _attributed(self, site: Site, target: int) -> Floats:
        subject = site.subject
        made_by = self._made_by()

        def run(model: Any, batch: Any, layer: Any) -> Any:
            of = [each for each in model.modules() if is_a(each, "torch", "jit.ScriptModule")]
            if of and self._called in BY_PARTS:
                raise scripted(f"{self._called}: {type(of[0]).__name__}")
            method = made_by(model) if layer is None else made_by(model, layer)
            arguments = {name: _given(value, batch) for name, value in self.arguments.items()}
            return method.attribute(batch, **arguments)

        random = subject.random(self.seed)
        # That hooks are put on the model is not told: they are taken off again.
        seed = random.integers(1 << 32, size=8, dtype=np.uint32)
        tool = Tool(
            lambda raw: subject.scores(raw, target, self.score),
            lambda raw: subject.cotangent(raw, target, self.score),
            run,
            int(random.integers(1 << 63)),
        )
        with _foreign.seeded(seed, "Setting "):
            attributed: NDArray[Any] = subject.backend.handed(
                site.x[None], tool, self.layer, site.preprocess
            )
        expected = (1, *site.x.shape)
        if self.layer is None and attributed.shape != expected:
            raise ValueError(
                f"{self._called} made {attributed.shape} of {expected}: give it a layer="
            )
        return attributed.astype(np.float64)


def _given(value: Any, batch: Any) -> Any:
    """An argument as Captum takes it: arrays as tensors where the batch lies."""
    return batch.new_tensor(value) if isinstance(value, np.ndarray) else value


def _text(value: Any) -> str:
    """An argument in a few words, for the record."""
    shape = getattr(value, "shape", None)
    return f"array {tuple(shape)}" if shape else str(value)
