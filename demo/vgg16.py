"""What VGG16 sees in photographs, and why one class and not the next.

As `imagenet.py`, with `keras.applications.VGG16` (Simonyan & Zisserman 2014, arXiv 1409.1556).
Its weights, 528 MB, ship with no package: Keras downloads them, or takes them from a file.
"""

import os
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import common
import keras
import numpy as np
import photographs

FILE = "vgg16_weights_tf_dim_ordering_tf_kernels.h5"
ADDRESS = f"https://storage.googleapis.com/tensorflow/keras-applications/vgg16/{FILE}"


def classifier(weights: Path | None) -> keras.Model:
    """VGG16 with weights from a file, or with those that Keras has downloaded or downloads.

    Raises:
      SystemExit: there are none, with the remedy.
    """
    try:
        return keras.applications.VGG16(weights="imagenet" if weights is None else str(weights))
    except Exception as e:
        reason = str(e).splitlines()[0]
        where = "could not be downloaded" if weights is None else f"are not in {weights}"
        raise SystemExit(
            f"VGG16's weights {where} ({reason}).\nWhere there is a network, get {ADDRESS}\n"
            "and pass --weights FILE; scripts/demo imagenet needs no download."
        ) from e


def preprocess(batch: np.ndarray) -> np.ndarray:
    """Photographs of 0 to 255 as VGG16 was trained on them."""
    return keras.applications.vgg16.preprocess_input(batch.astype(np.float32))


def main() -> None:
    """Classify, explain, then serve."""
    parser = photographs.parser(__doc__.splitlines()[0], "logs/vgg16")
    parser.add_argument("--weights", type=Path, help="a .weights.h5 or .h5 file of VGG16")
    options = parser.parse_args()
    model = classifier(options.weights)

    def probabilities(inputs: np.ndarray) -> np.ndarray:
        return model.predict(inputs, verbose=0)

    photographs.log(options, model, preprocess, probabilities)
    common.finish(options)


if __name__ == "__main__":
    main()
