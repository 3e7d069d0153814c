"""Presentation, what a person is told: readings of the stored numbers, words, a terminal."""
