"""Passes over a probe: scores, maps, means and statistics of one record."""
