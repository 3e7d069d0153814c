"""How well edits tell what networks rely on: trainings with planted cues, whose truth is known."""
