"""What is watched: images, labels, regions, and what is asked of the model."""
