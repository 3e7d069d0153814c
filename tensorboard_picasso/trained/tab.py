"""TensorBoard on a log, at the Picasso tab."""

import socket
import subprocess
import sys
from pathlib import Path

PORT = 6006  # TensorBoard's own


def serve(logdir: Path, port: int | None) -> int:
    """Run TensorBoard until it is stopped.

    Args:
      logdir: what is shown.
      port: None for TensorBoard's usual one, or another where that is taken.

    Returns:
      Its exit status; 0 after Ctrl-C.
    """
    port = port or _free()
    print(f"\nopen http://localhost:{port}/#picasso", flush=True)
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logdir)]
    process = subprocess.Popen([*command, "--port", str(port)])
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.terminate()  # where the signal was for this process alone
        process.wait()
        return 0


def _free() -> int:
    for port in (PORT, 0):
        with socket.socket() as listener:
            try:
                listener.bind(("localhost", port))
            except OSError:
                continue
            return int(listener.getsockname()[1])
    return PORT
