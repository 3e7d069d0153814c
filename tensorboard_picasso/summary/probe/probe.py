"""A named, fixed set of images watched through training."""

import copy
import math
import numbers
import operator
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.numbers import located, volumes
from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.stored import record
from tensorboard_picasso.summary.kit import report
from tensorboard_picasso.summary.kit.images import Array, flat, layout
from tensorboard_picasso.summary.probe import datasets, fills, groups, labels, masks, sampling, task
from tensorboard_picasso.summary.probe.aligner import Aligner
from tensorboard_picasso.summary.probe.alignment import Alignment
from tensorboard_picasso.summary.probe.brightness import Brightness
from tensorboard_picasso.summary.probe.classes import Classes
from tensorboard_picasso.summary.probe.feed import Feed
from tensorboard_picasso.summary.probe.pictures import Display, Pictures

DATA_FORMATS = ("channels_last", "channels_first")
OUTPUTS = ("auto", *(str(output) for output in Output))


class Probe:
    """A named, fixed set of images, with what is known of them and of the model.

    The images are *viewed images*: windows, regions and maps are in their
    pixels. The model gets them as they were handed in, after `preprocess`.
    All of them are pictures, or all volumes, such as scans.
    Everything is checked here, once; what comes out is read-only.

    Args:
      name: of the probe; the first part of its tags.
      images: what to watch. An array or tensor (n, height, width, channels) or
        (n, height, width), of volumes (n, depth, height, width, channels); or a list of arrays,
        tensors, `PIL.Image`s or file paths, which may differ in size where `preprocess` brings
        them to one.
        Integers of 0 to 255 or floats of 0 to 1, else see `value_range` and
        `normalized`; grey, RGB or RGBA, else see `display`.
      labels: what is true of each image. One class: indices, bools (class 1 or 0),
        one-hot rows, or names from `class_names`. Any number of independent labels,
        also none: multi-hot rows (n, classes), or a list of lists of indices or names;
        a rectangle of 0 and 1 is read as rows. Numbers that are no classes, as of a
        regression: floats that are not whole, of `output="raw"` all floats, one or a
        row an image. One stands beside the image's name, and `output="auto"` is then
        "raw".
      class_names: names by class index, as a list or {index: name}.
      regions: {name: mask}, parts of the image whose share of every map is
        recorded and which are hidden as a whole. A mask is (height, width) for
        all images, or one for each, or {index: mask} of those that it lies on;
        true inside; of volumes (depth, height, width). In its place may stand a `summary.Box`
        or `summary.Polygon`, and, of a single image, a list of such shapes, which is their
        union; in volumes they reach through all slices. Or the objects of a file of
        annotations: `summary.coco_regions`, `summary.voc_regions`. `with_regions` gives
        further ones.
      preprocess: function from a batch of images, as handed in (arrays, of PyTorch's
        tensors tensors), to a batch of model inputs.
      postprocess: function from values of a named layer, as the model has them, (n, …), to
        the same over places, (n, height, width, channels), of any size that covers the
        input evenly; for methods with `layer=`. Saliency gives it gradients, Grad-CAM
        activations and gradients, Captum's methods what they make; but for Grad-CAM it may
        make maps (n, height, width).
      decode_prob: function from class probabilities (n, classes) to class
        names, where `class_names` is not given: of all classes in order, or for
        each image a list of (index, name) or {"index": …, "name": …}.
      display: images of the same height and width to show instead, for images
        that a screen cannot show, such as 16-bit scans. The model still gets
        `images`.
      names: of the images, one each; default: file names where they are files,
        else their indices.
      data_format: "channels_last" or "channels_first": of the arrays and tensors
        in `images` and `display`. Default: first for PyTorch's tensors, else last.
        The model gets them as they are, but a PyTorch model those without
        `preprocess` channels first.
      value_range: (low, high), the values that are black and white.
      normalized: (mean, std), numbers or one a channel, that were subtracted
        from the images and by which they were divided.
      max_images: how many to keep at most; the rest is left out, and said so.
      targets: classes (indices or names) that are explained at every step,
        beside the label and the `top_k` that the model puts first.
      top_k: how many of the classes that the model puts first are explained.
      max_lasting: how many classes that long headed the prediction are kept
        among the targets.
      region_fill: what hides a region: "mean" (the image's), "grey", "black",
        "white", "blur", "noise" or a number; or a list of several.
      region_tolerance: how many pixels, or voxels, beside a region the strongest one of a map may
        lie and still be a hit in the pointing game; default: 15 of an image whose shorter side has
        224, and in proportion.
      output: what the model's output is. "logits" or "probabilities": of one of several
        classes. "sigmoid": each class is a label of its own, or one score is yes or no;
        probabilities within 0..1, or the logits before the sigmoid. "raw": numbers.
        "auto": what the model, its scores and the labels show; what it was taken to be
        is said once.
      inputs: the model's other inputs, held fixed: {name: values}, a row an image, where
        the image is the one that is not named (None stands for it where it is); or a
        list or tuple in the model's order, with None in the image's place.
      pick: the output that is explained, of a model with several: its name or index.
      score: function from the model's outputs (after `pick`), the framework's own
        tensors, to scores (n,) or (n, k), of which each is a class to explain. They are
        raw values unless `output` says otherwise.
      score_inputs: {name: values}, a row an image, that `score` gets as keywords.
      mean_over: for outputs over pixels: which ones a class's score is the mean of. A
        mask of the output's height and width, or one an image; "predicted", those
        that are predicted as the class with nothing hidden; or "all".
      groups: which of a few groups each image belongs to, one name an image, such as its hospital,
        camera or background; None of one that belongs to none. Accuracy and probability are
        told by group, so that the worst one shows. At most 64 different ones.
      source_indices: of each image its example's number in the dataset it is from, from 0;
        None for one that is from none. `from_dataset` finds them.
      alignment: 2x3 matrix that takes viewed (x, y, 1) to the model's input
        (x, y), in pixel edges, or one an image. Needed only where `preprocess`
        moves pixels in a way that is not found by itself; of volumes it may move none.

    Attributes:
      images: viewed images, tuple of (height, width, channels) arrays, of volumes (depth, height,
        width, channels); integers as handed in, floats as float32.
      labels: tuple of class indices; where any number is true, of tuples of them; None
        where there are none.
      multilabel: whether any number of classes is true of an image.
      values: of labels that are no classes, a tuple of numbers an image; else None.
      class_names: tuple of str, empty where not given. names: tuple of str.
      groups: tuple of str or None, or None: there are none.
      source_indices: tuple of int or None (not known), or None: the images were not
        drawn from a dataset. See `from_dataset`.
      regions: one {name: (height, width) bool mask} an image, of volumes (depth, height, width).
      region_fills: tuple of fills. targets: tuple of class indices.
      region_tolerance: as handed in.
      hashes: 16-byte digest of each image and of what is shown of it.
      task: what is asked of the model, from `inputs` to `mean_over`.
      flat, tensors: whether the images came without an axis of channels, as PyTorch's tensors.
      preprocess, postprocess, decode_prob, data_format, top_k, max_lasting,
        output: as handed in.
      kept: what others keep of this probe as long as it, or one that `with_regions` made of it,
        is there; by who keeps it. It refers to models, which may refer to the probe.

    Raises:
      TypeError, ValueError: anything that does not fit, with the remedy.

    Example:
        images = np.random.default_rng(0).random((4, 28, 28, 1))
        corner = np.zeros((28, 28), bool)
        corner[:7, :7] = True
        probe = summary.Probe(
            "digits",
            images,
            labels=["odd", "even", "even", "odd"],
            class_names=["even", "odd"],
            regions={"corner": corner},
        )
        assert probe.labels == (1, 0, 0, 1)
    """

    def __init__(
        self,
        name: str,
        images: Any,
        *,
        labels: Any = None,
        class_names: Any = None,
        regions: Any = None,
        preprocess: Callable[[Any], Any] | None = None,
        postprocess: Callable[[Any], Any] | None = None,
        decode_prob: Callable[[Any], Any] | None = None,
        display: Any = None,
        names: Sequence[str] | None = None,
        data_format: str | None = None,
        value_range: tuple[float, float] | None = None,
        normalized: tuple[Any, Any] | None = None,
        max_images: int = 16,
        targets: Any = (),
        top_k: int = 2,
        max_lasting: int = 8,
        region_fill: Any = "mean",
        region_tolerance: float | None = None,
        output: str = "auto",
        inputs: Any = None,
        pick: str | int | None = None,
        score: Callable[..., Any] | None = None,
        score_inputs: Any = None,
        mean_over: Any = None,
        groups: Any = None,
        source_indices: Sequence[int | None] | None = None,
        alignment: Any = None,
    ) -> None:
        if not isinstance(name, str) or not name:
            raise TypeError(f"probe name {name!r}: pass a string")
        self.name = name
        _choice("data_format", layout(images, data_format), DATA_FORMATS)
        self.output = _choice("output", output, OUTPUTS)
        self.top_k = _count("top_k", top_k, 0)
        self.max_lasting = _count("max_lasting", max_lasting, 0)
        self.postprocess = _function("postprocess", postprocess)
        self.decode_prob = _function("decode_prob", decode_prob)
        preprocess = _function("preprocess", preprocess)
        if score is not None and output == "auto":
            self.output = "raw"
        if decode_prob is not None and (self.output == "raw" or mean_over is not None):
            what = "mean_over=" if mean_over is not None else "output='raw'"
            what = "score=" if output == "auto" and score is not None else what
            raise ValueError(
                f"decode_prob= names probabilities, and {what} has none: pass class_names="
            )
        most = _count("max_images", max_images, 1)
        self._pictures = Pictures(name, images, data_format, names, most)
        self.names = self._pictures.names
        self._feed = Feed(self._pictures, preprocess)
        self.task = task.of_probe(
            inputs, pick, score, score_inputs, mean_over, self._pictures.given, len(self.images)
        )
        if self._pictures.volumes and postprocess is not None:
            raise ValueError(
                "postprocess= makes maps of pictures, and the images are volumes: leave it out"
            )
        if self._pictures.volumes and mean_over is not None:
            raise ValueError(
                "mean_over= is for outputs over pixels, and the images are volumes: pass score=, such"
                " as lambda output: output.mean((2, 3, 4)) of a PyTorch module"
            )
        self._group(groups)
        self.source_indices = self._checked_sources(source_indices)
        self._label(labels, class_names, targets)
        self._regions = masks.masks(regions, self._pictures.shapes, self._pictures.given)
        self.region_tolerance = _distance("region_tolerance", region_tolerance)
        self._grown: list[dict[str, NDArray[np.bool_]] | None] = [None] * len(self)
        self._display = Display(self._pictures, display, value_range, normalized)
        self.region_fills = fills.check_all(
            region_fill, self.images[0].shape[-1], self.images[0].dtype
        )
        for fill in self.region_fills:
            self.filled(0, fill)  # an unknown black or white is an error now, not at a record
        self._aligner = Aligner(self._pictures, self._feed, alignment)
        self._inputs: list[record.Input | None] = [None] * len(self)
        self.kept: dict[str, Any] = {}
        self._made = True

    def __setattr__(self, name: str, value: Any) -> None:
        if "_made" in vars(self):
            raise AttributeError(f"{self!r} is read-only: pass {name}= to a new one")
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{self!r} is read-only, and keeps its {name}")

    @classmethod
    def from_dataset(
        cls,
        dataset: Any,
        *,
        n: int = 16,
        seed: int = 0,
        name: str = "probe",
        batches: int | None = None,
        keys: tuple[Any, Any] | None = None,
        groups: Any = None,
        **options: Any,
    ) -> Self:
        """A probe of `n` images drawn from a dataset, as evenly over the classes as it has them.

        Reads the dataset once and keeps a few images at a time. The draw
        depends on the seed and the order of the examples, not on the batches.

        `source_indices` says which example each image is. Of a PyTorch `Dataset` or
        `DataLoader`, also a shuffling one, it is the index in it (in `loader.dataset`);
        None where the sampler takes no plain indices, or a batch has other examples
        than it took. Of all else it is the place in the order in which the examples were
        read, from 0: a `tf.data.Dataset` that shuffles has another order next time.

        Args:
          dataset: a `tf.data.Dataset`, a PyTorch `DataLoader` or `Dataset`, or any
            iterable of batches: (images, labels), or dicts such as {"image": …,
            "label": …} or {"pixel_values": …, "labels": …}; its `class_names` (or
            `classes`), where it has them, are taken over. A `DataLoader` that shuffles does so by
            `seed`, and training's random numbers stay as they were.
          n: how many images; fewer where the dataset has fewer.
          seed: of the draw.
          name: of the probe.
          batches: how many batches to read at most; needed for a dataset that
            never ends.
          keys: of a batch's images and labels, where it is a dict of other keys or a
            longer tuple (then two indices).
          groups: where the dataset has the group of each example, as `Probe(groups=)` names them:
            the key of a batch that is a dict, the index in a longer tuple; or a list or array of
            them, one an example of the dataset, by `source_indices`. The draw is then as even
            over the groups within the classes as the dataset has them.
          **options: further arguments of `Probe`.

        Raises:
          TypeError, ValueError: it is no such dataset, is empty or never ends.
        """
        given = [each for each in ("inputs", "score_inputs") if _has_rows(options.get(each))]
        if given or not isinstance(options.get("mean_over"), str | None):
            raise ValueError(
                f"{' and '.join(given) or 'mean_over masks'} cannot follow the images that are"
                " drawn: draw them yourself and pass Probe(name, images, …)"
            )
        names = options.get("class_names", datasets.class_names(dataset))
        known_names = labels.class_names(names)
        raw = options.get("output") == "raw" or options.get("score") is not None
        with datasets.reading(dataset, seed) as read:
            drawn, drawn_labels, sources, drawn_groups = sampling.balanced(
                read.data, n, seed, batches, known_names, read.indices, keys, raw, groups
            )
        known: dict[str, Any] = {"labels": drawn_labels, "class_names": names, "max_images": n}
        known |= {"source_indices": sources, "groups": drawn_groups}
        return cls(name, drawn, **{**known, **options})

    def with_regions(self, regions: Any) -> Self:
        """This probe with further regions; all else is as it was made.

        Its records go on in the same series: name, images and classes are the same.

        Args:
          regions: as `regions=`, of the images that this probe has. One of a name that
            there is already takes its place.

        Raises:
          TypeError, ValueError: a mask is no mask of its image, empty, or the whole.
        """
        added = masks.masks(regions, self._pictures.shapes, len(self))
        made = copy.copy(self)
        taken = {name for new in added for name in new}
        vars(made).update(
            kept=self.kept,  # which a copy of a probe otherwise lacks: `__getstate__`
            _regions=tuple(
                {name: mask for name, mask in old.items() if name not in taken} | new
                for old, new in zip(self._regions, added, strict=True)
            ),
            _inputs=[None] * len(self),
            _grown=[None] * len(self),
        )
        return made

    def _group(self, given: Any) -> None:
        self.groups = groups.checked(given, self._pictures.given, len(self))

    def _checked_sources(self, given: Any) -> tuple[int | None, ...] | None:
        if given is None:
            return None
        if isinstance(given, str) or len(given) != self._pictures.given:
            raise ValueError(
                f"source_indices={given!r} for {self._pictures.given} images: pass one each, or None"
            )
        sources = tuple(
            None if source is None else _count("source_indices", source, 0) for source in given
        )
        for source in sources:
            if source is not None and source >= record.MAX_SOURCES:
                raise ValueError(f"source_indices has {source}: pass integers below 2**53")
        return sources[: len(self)]

    def _label(self, given: Any, class_names: Any, targets: Any) -> None:
        self._classes = Classes(class_names, self.decode_prob)
        count, raw = self._pictures.given, self.output == "raw"
        all_labels = labels.labels(given, self.class_names, count, raw)
        known = labels.Labels(None) if all_labels is None else all_labels.first(len(self))
        self.multilabel, self.values, self._truths = known.several, known.values, known.truths
        truths: tuple[Any, ...] = known.truths or ()
        single = truths if known.several else tuple(each[0] for each in truths)
        self.labels = None if known.truths is None else single
        if self.values is not None:
            self.names = tuple(map(_with_value, self.names, self.values))
        if self.values is not None and self.output == "auto":
            self.output = "raw"
            text = f'probe "{self.name}": labels are numbers and no classes, so the output is'
            report.tell(
                f"{self.name}: values", f"{text} taken as numbers too; output= says otherwise"
            )
        self.targets = labels.targets(targets, self.class_names)
        if not (self.labels or self.targets or self.top_k):
            raise ValueError("top_k=0 leaves nothing to explain: pass labels= or targets=")

    @property
    def images(self) -> tuple[Array, ...]:
        """See the class."""
        return self._pictures.images

    @property
    def data_format(self) -> str:
        """See the class."""
        return self._pictures.data_format

    @property
    def flat(self) -> bool:
        """See the class."""
        return self._pictures.flat

    @property
    def tensors(self) -> bool:
        """See the class."""
        return self._pictures.tensors

    @property
    def brightness(self) -> Brightness:
        """Which of the images' own values are black and white, and what they were before normalising."""
        return self._display.brightness

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """See the class."""
        return self._display.hashes

    @property
    def class_names(self) -> tuple[str, ...]:
        """See the class; what `decode_prob` tells of them comes with the scores."""
        return self._classes.names

    @property
    def regions(self) -> tuple[Mapping[str, NDArray[np.bool_]], ...]:
        """See the class."""
        return tuple(map(MappingProxyType, self._regions))

    @property
    def preprocess(self) -> Callable[[Any], Any] | None:
        """See the class."""
        return self._feed.preprocess

    def depth(self, index: int) -> int:
        """How many slices a volume has; 0 of a picture."""
        return self._pictures.depth(index)

    def truths_of(self, index: int) -> tuple[int, ...] | None:
        """The true classes of an image, ascending; None where they are not known."""
        return None if self._truths is None else self._truths[index]

    def __len__(self) -> int:
        return len(self.images)

    def __getstate__(self) -> dict[str, Any]:
        """What a copy takes along: all but what others keep, which stays with its process."""
        return {**vars(self), "kept": {}}

    def __repr__(self) -> str:
        return f"Probe({self.name!r}, {len(self)} images)"

    def raw_batch(self, batch: Array) -> Array:
        """A viewed batch in the layout in which the images were handed in.

        Args:
          batch: (n, height, width, channels), or volumes, of one image's size.

        Returns:
          The same values: channels first where `data_format` says so, without
          the channel axis where the images came without.
        """
        return self._feed.raw_batch(batch)

    @property
    def gives_channels_last(self) -> bool:
        """Whether the model is given the images themselves, with their channels last."""
        return self._feed.gives_channels_last

    def model_input(self, batch: Array) -> Array:
        """What the model eats of a viewed batch (n, height, width, channels), or of volumes.

        Returns:
          (n, …) array: the output of `preprocess`, or `raw_batch` without it.

        Raises:
          TypeError, ValueError: `preprocess` gives no batch of as many inputs.
        """
        return self._feed.model_input(batch)

    def preprocessed(self, raw: Array) -> Array:
        """What the model eats of a batch in the layout of the images as handed in.

        Raises:
          TypeError, ValueError: as `model_input`.
        """
        return self._feed.preprocessed(raw)

    def channels_last(self, values: Array) -> Array:
        """A batch in the layout of the model's inputs as (n, height, width, channels).

        Of volumes (n, depth, height, width, channels).

        Args:
          values: (n, …), model inputs or gradients of them.

        Raises:
          AlignmentError: they have no height and width.
        """
        return self._feed.channels_last(values)

    def tolerance(self, index: int) -> float:
        """How far beside a region of an image the pointing game still hits, pixels."""
        if self.region_tolerance is not None:
            return self.region_tolerance
        return located.tolerance(*self._pictures.sheet(index), self.depth(index))

    def grown(self, index: int) -> Mapping[str, NDArray[np.bool_]]:
        """The regions of an image, each grown by the tolerance; as `regions`."""
        made = self._grown[index]
        if made is None:
            reach, depth = self.tolerance(index), self.depth(index)
            made = self._grown[index] = {
                name: volumes.natural(located.grown(flat(mask), reach, depth), depth)
                for name, mask in self._regions[index].items()
            }
        return MappingProxyType(made)

    def filled(self, index: int, fill: Any) -> Array:
        """One image wholly hidden: what a window or a region of it is filled with.

        Args:
          index: of the image.
          fill: "mean" (the image's, one a channel), "grey", "black", "white"
            (as shown), "blur", "noise" (the same at every step), or a number or
            one a channel in the image's own values.

        Returns:
          (height, width, channels), or a volume, of the image's dtype.

        Raises:
          ValueError: there is no such fill.
        """
        return self._display.filled(index, fill)

    @staticmethod
    def fill_name(fill: Any) -> str:
        """The fill's name in legends: "image mean", "value 0.5"."""
        return fills.name(fills.plain(fill))

    def shown(self, index: int) -> record.Input:
        """The record of one image: what is shown, and what is known of it."""
        shown = self._inputs[index]
        if shown is None or shown.class_names is not self.class_names:
            height, width = self._pictures.sheet(index)
            shown = self._inputs[index] = record.Input(
                png=self._display.pngs[index],
                height=height,
                width=width,
                hash=self.hashes[index],
                name=self.names[index],
                label=None if self.labels is None or self.multilabel else self.labels[index],
                labels=self.truths_of(index) if self.multilabel else None,
                class_names=self.class_names,
                regions={name: flat(mask) for name, mask in self._regions[index].items()},
                display=not self._display.own,
                unseen=self._aligner.unseen(index),
                source_index=None if self.source_indices is None else self.source_indices[index],
                group=None if self.groups is None else self.groups[index],
                depth=self.depth(index),
            )
        return shown

    def name_classes(self, probabilities: Array) -> None:
        """Take the classes' names from `decode_prob`, where none were given.

        It may name only some classes, those of the moment: it is asked again until all
        have a name.

        Args:
          probabilities: (n, classes).

        Raises:
          ValueError: it returns no names.
        """
        self._classes.learn(probabilities)

    def check_classes(self, count: int) -> None:
        """Raise ValueError where the names given are not those of a model of so many classes."""
        self._classes.check(count)

    def align(self, index: int) -> Alignment:
        """Where the image's pixels lie in the model's input; found once.

        Raises:
          AlignmentError: it was not found, with what to give.
        """
        return self._aligner.align(index)

    @property
    def has_alignment(self) -> bool:
        """Whether the caller gave `alignment=`."""
        return self._aligner.given


def _choice(name: str, value: str, known: Sequence[str]) -> str:
    if value not in known:
        raise ValueError(f"{name}={value!r}: pass one of {', '.join(known)}")
    return str(value)


def _count(name: str, value: int, least: int) -> int:
    try:
        count = least - 1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        count = least - 1
    if count < least:
        raise ValueError(f"{name}={value!r}: pass an integer from {least}")
    return count


def _distance(name: str, value: float | None) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 <= value < math.inf:
        raise ValueError(f"{name}={value!r}: pass pixels, 0 or more")
    return float(value)


def _has_rows(inputs: Any) -> bool:
    """Whether inputs are more than the image's name."""
    return (
        any(each is not None for each in inputs.values())
        if isinstance(inputs, Mapping)
        else inputs is not None
    )


def _function(name: str, value: Callable[[Any], Any] | None) -> Callable[[Any], Any] | None:
    if value is not None and not callable(value):
        raise TypeError(f"{name}={value!r}: pass a function")
    return value


def _with_value(name: str, values: tuple[float, ...]) -> str:
    """An image's name with the number that is true of it; of several, as of a box, without."""
    shown = f"image {name}" if name.isdigit() else name
    return f"{shown} (true value {values[0]:.4g})" if len(values) == 1 else name
