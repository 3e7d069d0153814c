"""Makes `import torchvision` work beside a build of PyTorch that its operators do not load in.

Its compiled operators are built for one build of PyTorch. Beside another of the same release,
such as the one for processors alone, they do not load, and importing it fails at the first of
those that it describes: "operator torchvision::nms does not exist". So does importing what
looks for it: timm, Lightning (through torchmetrics), parts of transformers. What these need
of it for classifiers is Python. So where the operators do not load, those that it describes
are declared before it is imported, without code: to call one is an error.
"""

import importlib.machinery
import sys
from pathlib import Path
from typing import Any

NMS = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
OPERATORS = ("nms", "qnms")

# Python's code that runs a script of its first argument with this, in a process of its own.
RUN = """
import runpy, sys
import tests
del sys.argv[0]
sys.path.insert(0, sys.argv[0].rpartition("/")[0])
runpy.run_path(sys.argv[0], run_name="__main__")
"""

# Declarations are dropped with their library.
_kept: list[Any] = []


class Finder:
    """Declares the operators once torchvision is looked for; finds nothing itself."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name == "torchvision" and not _kept:
            spec = importlib.machinery.PathFinder.find_spec(name)
            if spec is not None and spec.origin and not loads(Path(spec.origin).with_name("_C.so")):
                declare()


def loads(operators: Path) -> bool:
    import torch

    try:
        torch.ops.load_library(str(operators))
    except OSError:
        return False
    return True


def declare() -> None:
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in OPERATORS:
        library.define(name + NMS)
    _kept.append(library)


def install() -> None:
    if not any(isinstance(each, Finder) for each in sys.meta_path):
        sys.meta_path.insert(0, Finder())
