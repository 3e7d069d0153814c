"""One file a training loop."""
