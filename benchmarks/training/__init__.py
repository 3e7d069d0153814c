"""What watching a training costs: seconds and bytes of checkpoints, and TensorBoard's memory."""

IMAGES = 16  # of a probe
EDITED = 64  # of the sample that is edited
