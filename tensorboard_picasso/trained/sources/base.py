"""The base of sources: what one must be able to do, and what they share."""

import abc
import difflib
import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from PIL import Image

from tensorboard_picasso.summary.kit import report
from tensorboard_picasso.summary.kit.images import Array
from tensorboard_picasso.trained import ModelError
from tensorboard_picasso.trained.settings import Settings

# From a picture, upright, to what a model is given of it: float32 (height, width, channels).
Given = Callable[[Image.Image], Array]

_NEAR = 3  # names that are suggested
_MOST = 300  # characters of a framework's reason


@dataclass(frozen=True)
class Trained:
    """A trained model, and what is known of what it is given and what it says.

    model: of any framework that `summary` explains.
    given: from a picture to what the model, or `preprocess` among the options, is given.
    class_names: in the model's order; () where nobody knows them.
    options: further ones of the `Probe`: `normalized=`, `preprocess=` and their like.
    """

    model: Any
    given: Given
    class_names: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


class Source(abc.ABC):
    """Loads the trained models of one framework."""

    @abc.abstractmethod
    def load(self, settings: Settings, class_names: tuple[str, ...]) -> Trained:
        """The model that is asked for, with its weights.

        Args:
          settings: of the command.
          class_names: those that the user gives; () where the framework's own are wanted.

        Raises:
          ModelError: the framework is missing, there is no such model, or its weights cannot be
            had; a few words with the remedy.
        """


def needed(package: str, model: str, extra: str) -> Any:
    """An imported package.

    Args:
      package: its name. model: as it was asked for. extra: of ours, that installs it.

    Raises:
      ModelError: it cannot be imported.
    """
    try:
        return importlib.import_module(package)
    except ImportError as e:
        raise ModelError(
            f"--model {model} needs {package}: {e}; pip install 'tensorboard-picasso[{extra}]'"
        ) from e
    except Exception as e:  # such as of two packages that were built for different releases
        raise ModelError(
            f"--model {model} needs {package}, which cannot be imported: {short(e)}"
        ) from e


def unknown(model: str, name: str, names: Iterable[str], where: str) -> NoReturn:
    """Raise ModelError of a name that a framework does not know, with those that are near."""
    by_letters = {each.lower(): each for each in names}
    near = difflib.get_close_matches(name.lower(), by_letters, _NEAR, 0.5)
    told = f"near are {', '.join(by_letters[each] for each in near)}" if near else f"see {where}"
    raise ModelError(f"--model {model}: there is no {name}: {told}")


def short(error: BaseException) -> str:
    """Why something failed, without the advice that frameworks add."""
    reason = report.reason(error)
    return reason if len(reason) <= _MOST else f"{reason[:_MOST]}…"
