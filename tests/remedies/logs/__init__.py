"""Rows of what reads and writes logs without a training: commands, arrays, routes."""
