"""A probe: a named, fixed set of images watched through training."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from tensorboard_picasso import record
from tensorboard_picasso.summary import alignment, images, report, sampling

Array = NDArray[Any]
Fill = Any  # a name of FILLS, a number, or one number a channel

FILLS = {
    "mean": "image mean",
    "grey": "grey",
    "black": "black",
    "white": "white",
    "blur": "blurred image",
    "noise": "noise",
}
OUTPUTS = ("auto", "logits", "probabilities", "sigmoid", "raw")


class Probe:
    """A named set of images, with all that is needed to explain a model on them.

    Args:
      name: the probe's name; the first part of its tags.
      images: arrays or tensors (n, h, w) or (n, h, w, c), or a list of arrays,
        `PIL.Image`s or file paths, which may differ in size where `preprocess`
        brings them to one. uint8 spans 0..255, floats span 0..1.
      labels: the true class of each: indices, one-hot rows or class names.
      class_names: the classes' names, in order.
      regions: named boolean masks, (h, w) for all images or one for each.
      preprocess: a batch of viewed images, as handed in, to model inputs.
      postprocess: an intermediate layer's (n, …) gradient to (n, H, W) maps.
      decode_prob: (n, classes) probabilities to the names of all classes.
      display: what is shown instead, of the same height and width, where the
        model eats something else (16-bit scans, many channels).
      names: the images' names; default: file names, else their indices.
      data_format: "channels_last" or "channels_first", of images and model.
      value_range: the numbers shown as black and white.
      normalized: (mean, std) that the images were normalised with.
      max_images: images beyond that many are left out, and that is said.
      targets: classes (indices or names) that are always explained.
      top_k: so many heads of the current prediction are explained.
      max_lasting: so many classes that long headed it stay explained.
      region_fill: what a hidden region is filled with: a fill, or a list.
      output: what the model's output is: "auto", "logits", "probabilities",
        "sigmoid" or "raw".
      alignment: 2x3 matrix from viewed (x, y, 1) to the model's input (x, y),
        in pixel edges, where it cannot be found.

    Raises:
      ValueError, TypeError: an argument that cannot be used, and the remedy.
    """

    def __init__(
        self,
        name: str,
        images: Any,
        *,
        labels: Any = None,
        class_names: Sequence[str] | Mapping[int, str] | None = None,
        regions: Mapping[str, Any] | None = None,
        preprocess: Callable[[Any], Any] | None = None,
        postprocess: Callable[[Any], Any] | None = None,
        decode_prob: Callable[[Any], Any] | None = None,
        display: Any = None,
        names: Sequence[str] | None = None,
        data_format: str = "channels_last",
        value_range: Any = None,
        normalized: Any = None,
        max_images: int = 16,
        targets: Sequence[int | str] = (),
        top_k: int = 2,
        max_lasting: int = 8,
        region_fill: Any = "mean",
        output: str = "auto",
        alignment: Any = None,
    ) -> None:
        if not isinstance(name, str) or not name:
            raise ValueError(f"name={name!r}: pass a name such as 'digits'")
        if data_format not in ("channels_last", "channels_first"):
            raise ValueError(f"data_format={data_format!r}: pass channels_last or channels_first")
        if output not in OUTPUTS:
            raise ValueError(f"output={output!r}: pass one of {', '.join(OUTPUTS)}")
        for option, value, least in (
            ("max_images", max_images, 1),
            ("top_k", top_k, 0),
            ("max_lasting", max_lasting, 0),
        ):
            if not isinstance(value, int) or value < least:
                raise ValueError(f"{option}={value!r}: pass a whole number from {least}")
        self.name = name
        self.data_format = data_format
        self.preprocess = preprocess
        self.postprocess = postprocess
        self.decode_prob = decode_prob
        self.top_k = top_k
        self.max_lasting = max_lasting
        self.output = output
        self._alignment_matrix = alignment
        self._alignments: dict[int, Any] = {}
        # What the ops keep between steps, for each writer and scoped name.
        self.states: dict[Any, Any] = {}

        given = _as_list(images)
        kept = given[:max_images]
        self._tell_left_out(len(given), len(kept))
        self.images: tuple[Array, ...] = tuple(_viewed(kept, data_format))
        self._check_sizes()
        self._values = _values(self.images, value_range, normalized)
        self.class_names = _class_names(class_names)
        self.labels = self._read_labels(labels, len(given), len(kept))
        self.names = self._read_names(names, kept, len(given))
        self.targets = tuple(self._class_index(each, "targets") for each in targets)
        self._displayed = self._read_display(display, len(given))
        self.regions = self._read_regions(regions or {}, len(given))
        fills = region_fill if isinstance(region_fill, list | tuple) else [region_fill]
        self.region_fills: tuple[Fill, ...] = tuple(fills)
        for fill in self.region_fills:
            self.filled(0, fill)
        self.hashes = tuple(self._hash(index) for index in range(len(self.images)))

    @classmethod
    def from_dataset(
        cls,
        dataset: Any,
        *,
        n: int = 16,
        seed: int = 0,
        name: str = "probe",
        batches: int | None = None,
        **options: Any,
    ) -> "Probe":
        """A class-balanced sample of a dataset, the same for the same seed.

        Args:
          dataset: a `tf.data.Dataset`, or any iterable of batches (images,
            labels); it is read once.
          n: how many images.
          seed: of the draw, which depends on the order of the examples and not
            on the batch size.
          name: the probe's name.
          batches: how many batches to read at most.
          **options: as for `Probe`.

        Raises:
          ValueError, TypeError: no such dataset, empty, or without an end.
        """
        drawn, labels = sampling.balanced(dataset, n, seed, batches)
        options.setdefault("max_images", n)
        return cls(name, drawn, labels=labels, **options)

    def model_input(self, batch: Array) -> Array:
        """Viewed images (n, h, w, c) to what the model eats, in the user's layout.

        Raises:
          ValueError: `preprocess` returns something else than one input an image.
        """
        raw = self.raw_batch(batch)
        if self.preprocess is None:
            return raw
        result = images.to_numpy(self.preprocess(raw))
        if not np.issubdtype(result.dtype, np.number) or result.shape[:1] != raw.shape[:1]:
            raise ValueError(
                f"preprocess made {result.dtype} {result.shape} of {raw.shape}:"
                " return one numeric input an image"
            )
        return result

    def raw_batch(self, batch: Array) -> Array:
        """Viewed images (n, h, w, c) in the user's layout, before `preprocess`."""
        return np.moveaxis(batch, -1, 1) if self.data_format == "channels_first" else batch

    def spatial(self, gradient: Array, reduce: Callable[..., Array]) -> Array:
        """Reduce one model input's (…) values over its channels to (H, W)."""
        if gradient.ndim == 2:
            return gradient
        return reduce(gradient, axis=0 if self.data_format == "channels_first" else -1)

    def align(self, index: int) -> alignment.Alignment:
        """Where the pixels of one image lie in the model's input; found once.

        Raises:
          AlignmentError: `preprocess` moves pixels in a way not understood.
        """
        if index not in self._alignments:
            self._alignments[index] = self._find_alignment(index)
        found: alignment.Alignment = self._alignments[index]
        return found

    @property
    def has_alignment(self) -> bool:
        """True where the caller gave the alignment."""
        return self._alignment_matrix is not None

    def _find_alignment(self, index: int) -> alignment.Alignment:
        image = self.images[index]
        shape = image.shape[:2]
        if self.preprocess is None:
            return alignment.Alignment(np.array([[1.0, 0, 0], [0, 1.0, 0]]), shape, shape)
        if self._alignment_matrix is not None:
            model = self.spatial(self.model_input(image[None])[0], np.max).shape
            return alignment.given(self._alignment_matrix, shape, (model[0], model[1]))
        return alignment.find(
            self.model_input, image, lambda change: self.spatial(np.abs(change), np.max)
        )

    def filled(self, index: int, fill: Fill) -> Array:
        """One image wholly filled: what a window or region is replaced with.

        Args:
          index: the image's.
          fill: "mean" (of the image, per channel), "grey", "black", "white" (as
            shown), "blur", "noise" (the same at every step), or the image's own
            value, one or one a channel.

        Returns:
          (height, width, channels) of the image's dtype; integers rounded.

        Raises:
          ValueError: an unknown fill.
        """
        image = self.images[index]
        channels = image.shape[2]
        if isinstance(fill, str):
            if fill not in FILLS:
                raise ValueError(f"fill={fill!r}: pass one of {', '.join(FILLS)} or a value")
            value = self._named_fill(index, fill)
        else:
            value = np.asarray(fill, np.float64)
            if value.size not in (1, channels) or not np.isfinite(value).all():
                raise ValueError(f"fill={fill!r}: pass a number, or {channels}, one a channel")
            value = value.reshape(-1)
        whole = np.broadcast_to(value, image.shape)
        if np.issubdtype(image.dtype, np.integer):
            limits = np.iinfo(image.dtype)
            whole = np.clip(np.rint(whole), limits.min, limits.max)
        return whole.astype(image.dtype)

    def _named_fill(self, index: int, fill: str) -> Array:
        image = self.images[index]
        channels = image.shape[2]
        if fill == "mean":
            return np.asarray(image.mean(axis=(0, 1), dtype=np.float64))
        if fill == "noise":
            seed = int.from_bytes(self._hash(index), "little")
            fractions = np.random.default_rng(seed).random(image.shape)
            low, high = self._values.at(0, channels), self._values.at(1, channels)
            return np.asarray(low + fractions * (high - low))
        if fill == "blur":
            radius = max(image.shape[:2]) / 8
            blur = ImageFilter.GaussianBlur(radius)
            planes = [
                np.asarray(Image.fromarray(image[..., channel].astype(np.float32)).filter(blur))
                for channel in range(channels)
            ]
            return np.stack(planes, axis=-1).astype(np.float64)
        return self._values.at({"black": 0.0, "grey": 0.5, "white": 1.0}[fill], channels)

    @staticmethod
    def fill_name(fill: Fill) -> str:
        """What a legend calls a fill."""
        if isinstance(fill, str):
            return FILLS[fill]
        return "value " + ", ".join(f"{each:g}" for each in np.ravel(fill))

    def shown(self, index: int) -> record.Input:
        """All that is kept of one image: pixels, name, label, regions."""
        image = self.images[index]
        return record.Input(
            png=images.png(self._shown_pixels(index)),
            height=image.shape[0],
            width=image.shape[1],
            hash=self.hashes[index],
            name=self.names[index],
            label=self.labels[index] if self.labels else None,
            class_names=self.class_names,
            regions=self.regions[index],
            display=self._displayed is not None,
        )

    def name_classes(self, probabilities: Array) -> None:
        """Take the classes' names from `decode_prob`, where none were given."""
        if self.class_names or self.decode_prob is None:
            return
        names = _class_names(self.decode_prob(probabilities))
        if len(names) != probabilities.shape[1]:
            raise ValueError(
                f"decode_prob names {len(names)} of {probabilities.shape[1]} classes: name all"
            )
        self.class_names = names

    # What was handed in

    def _tell_left_out(self, given: int, kept: int) -> None:
        if given > kept:
            report.tell(
                f"left out {self.name}",
                f'probe "{self.name}" keeps {kept} of {given} images (each one costs hundreds of'
                f" forward passes a checkpoint); max_images={given} keeps all",
            )

    def _check_sizes(self) -> None:
        if len({image.dtype for image in self.images}) > 1:
            raise ValueError("images differ in dtype: convert them to one")
        if len({image.shape[2] for image in self.images}) > 1:
            raise ValueError("images differ in channels: convert them to one mode")
        sizes = {image.shape[:2] for image in self.images}
        if len(sizes) > 1 and self.preprocess is None:
            raise ValueError(
                f"images have {len(sizes)} sizes: pass preprocess= that brings them to one"
            )

    def _class_index(self, value: Any, option: str) -> int:
        if isinstance(value, str):
            if value not in self.class_names:
                raise ValueError(f"{option}: class {value!r} is not in class_names")
            return self.class_names.index(value)
        index = int(value)
        if index != value or index < 0 or (self.class_names and index >= len(self.class_names)):
            raise ValueError(f"{option}: {value!r} is no class index")
        return index

    def _read_labels(self, labels: Any, given: int, kept: int) -> tuple[int, ...] | None:
        if labels is None:
            return None
        each = labels if isinstance(labels, list | tuple) else images.to_numpy(labels)
        if len(each) != given:
            raise ValueError(f"{len(each)} labels for {given} images")
        return tuple(self._label(label) for label in list(each)[:kept])

    def _label(self, label: Any) -> int:
        if isinstance(label, str):
            return self._class_index(label, "labels")
        array = images.to_numpy(label)
        if array.size == 1:
            return self._class_index(array.reshape(()).item(), "labels")
        if array.ndim == 1 and (np.sort(array)[-2:] == (0, 1)).all() and array.sum() == 1:
            return int(array.argmax())
        raise ValueError(f"labels: {label!r} is neither an index nor one-hot")

    def _read_names(self, names: Any, kept: Sequence[Any], given: int) -> tuple[str, ...]:
        if names is None:
            paths = [
                str(each) for each in kept if isinstance(each, str) or hasattr(each, "__fspath__")
            ]
            if len(paths) == len(kept):
                return tuple(path.replace("\\", "/").rsplit("/", 1)[-1] for path in paths)
            return tuple(str(index) for index in range(len(kept)))
        if len(names) != given:
            raise ValueError(f"{len(names)} names for {given} images")
        return tuple(str(each) for each in names[: len(kept)])

    def _read_display(self, display: Any, given: int) -> list[Array] | None:
        if display is None:
            image = self.images[0]
            if image.shape[2] not in (1, 3, 4):
                raise ValueError(f"{image.shape[2]} channels cannot be shown: pass display=")
            if np.issubdtype(image.dtype, np.integer) and image.dtype != np.uint8:
                low, high = self._values.low, self._values.high
                if (low, high) == (0.0, 65535.0):
                    raise ValueError(f"{image.dtype} images: pass display= or value_range=")
            return None
        shown = images.to_viewed(display, "channels_last")
        if len(shown) != given:
            raise ValueError(f"display has {len(shown)} images for {given}")
        values = images.Values(shown, None, None)
        for image, each in zip(self.images, shown, strict=False):
            if each.shape[:2] != image.shape[:2] or each.shape[2] not in (1, 3, 4):
                raise ValueError(
                    f"display has shape {each.shape} for an image {image.shape}:"
                    " pass the same height and width, 1, 3 or 4 channels"
                )
        return [values.fraction(each) for each in shown[: len(self.images)]]

    def _shown_pixels(self, index: int) -> Array:
        if self._displayed is not None:
            return self._displayed[index]
        return self._values.fraction(self.images[index])

    def _read_regions(self, regions: Mapping[str, Any], given: int) -> tuple[dict[str, Array], ...]:
        per_image: list[dict[str, Array]] = [{} for _ in self.images]
        for name, masks in regions.items():
            each = masks if isinstance(masks, list | tuple) else images.to_numpy(masks)
            one = not isinstance(each, list | tuple) and each.ndim == 2
            if not one and len(each) != given:
                raise ValueError(f"region {name!r} has {len(each)} masks for {given} images")
            for index, image in enumerate(self.images):
                mask = images.to_numpy(each if one else each[index])
                if mask.dtype != bool or mask.shape != image.shape[:2]:
                    raise ValueError(
                        f"region {name!r} is {mask.dtype} {mask.shape} for an image"
                        f" {image.shape[:2]}: pass a boolean mask of its height and width"
                    )
                if not mask.any() or mask.all():
                    raise ValueError(f"region {name!r} covers all or none of image {index}")
                per_image[index][name] = mask
        return tuple(per_image)

    def _hash(self, index: int) -> bytes:
        image = self.images[index]
        digest = hashlib.blake2b(f"{image.shape} {image.dtype.str}".encode(), digest_size=16)
        digest.update(image.tobytes())
        digest.update(np.rint(self._shown_pixels(index) * 255).astype(np.uint8).tobytes())
        return digest.digest()


def _as_list(given: Any) -> list[Any]:
    if isinstance(given, str | Image.Image) or hasattr(given, "__fspath__"):
        raise ValueError("images is one image: pass a list of images")
    try:
        return list(given) if isinstance(given, Sequence) else list(images.to_numpy(given))
    except TypeError as e:
        raise ValueError(f"images is {type(given).__name__}: pass a batch of images") from e


def _viewed(kept: Sequence[Any], data_format: str) -> list[Array]:
    return images.to_viewed(list(kept), data_format)


def _values(viewed: Sequence[Array], value_range: Any, normalized: Any) -> images.Values:
    return images.Values(viewed, value_range, normalized)


def _class_names(names: Sequence[str] | Mapping[int, str] | None) -> tuple[str, ...]:
    if names is None:
        return ()
    if isinstance(names, Mapping):
        if sorted(names) != list(range(len(names))):
            raise ValueError("class_names: the keys must be 0, 1, 2, …")
        names = [names[index] for index in range(len(names))]
    if isinstance(names, str):
        raise ValueError(f"class_names={names!r}: pass a list of names")
    return tuple(str(name) for name in names)
