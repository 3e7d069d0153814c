"""Occlusion against other tools and against the bare forward passes that it takes."""
