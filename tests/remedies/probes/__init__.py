"""Rows of what a probe is given: images, datasets, labels, regions, what the output is."""
