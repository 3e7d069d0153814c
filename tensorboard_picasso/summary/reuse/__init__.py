"""Exact incremental inference: recompute only what a window can change.

`rects` and `plan` know shapes alone; a framework's own file reads its models into layers
and runs what is planned. It is published as incremental inference by Nakandala et al.
2019, "Incremental and Approximate Inference for Faster Occlusion-based Deep CNN
Explanations", SIGMOD.
"""
