"""Ray: checkpoints spread over an existing cluster; Ray is imported only where it is asked for."""

import logging
import os
import socket
from collections.abc import Iterable, Iterator
from typing import Any

from tensorboard_picasso.checkpoints import LogError
from tensorboard_picasso.checkpoints.work import Outcome, Setup, Worker
from tensorboard_picasso.checkpoints.workers import AHEAD, Workers, in_order

CONNECT = 10.0  # seconds


class Cluster(Workers):
    """Actors, each of which builds the model once.

    Args:
      setup: what is the same for all that they do.
      address: of the cluster, as `ray.init` takes it.
      count: how many actors; default: one a processor of the cluster.

    Raises:
      LogError: there is no Ray, or no such cluster.
    """

    def __init__(self, setup: Setup, address: str, count: int | None) -> None:
        try:
            import ray
        except ImportError as e:
            raise LogError(
                "--ray: Ray is not installed: pip install 'tensorboard-picasso[ray]'"
            ) from e
        self._ray = ray
        _check(address)
        # Modules are where they are here: the cluster's machines share the files.
        paths = [os.getcwd(), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {"env_vars": {"PYTHONPATH": os.pathsep.join(paths)}}
        try:
            ray.init(
                address=address,
                runtime_env=environment,
                log_to_driver=False,
                logging_level=logging.WARNING,
            )
        except (ConnectionError, ValueError) as e:
            raise LogError(f"--ray {address}: {e}") from e
        count = count or max(1, int(ray.cluster_resources().get("CPU", 1)))
        shared = ray.put(setup)
        actor = ray.remote(num_cpus=1)(Worker)
        self._actors = [actor.remote(shared) for _ in range(count)]

    def answers(self, call: str, each: Iterable[tuple[Any, ...]]) -> Iterator[Outcome]:
        """See `Workers.answers`; the actors take turns."""
        turn = 0

        def send(arguments: tuple[Any, ...]) -> Any:
            nonlocal turn
            turn += 1
            return getattr(self._actors[turn % len(self._actors)], call).remote(*arguments)

        try:
            yield from in_order(send, self._ray.get, each, AHEAD * len(self._actors))
        except self._ray.exceptions.RayError as e:
            raise LogError(f"--ray: {e}") from e

    def close(self) -> None:
        """See `Workers.close`; the cluster stays."""
        self._ray.shutdown()


def _check(address: str) -> None:
    """Say where nobody answers: Ray itself tries for many minutes.

    Raises:
      LogError: nobody does.
    """
    host, _, port = address.rpartition(":")
    if "://" not in address and host and port.isdigit():
        try:
            socket.create_connection((host, int(port)), timeout=CONNECT).close()
        except OSError as e:
            raise LogError(f"--ray {address}: no cluster answers there ({e})") from e
