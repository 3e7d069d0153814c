"""What watching a training costs: seconds and bytes of checkpoints, and TensorBoard's memory."""
