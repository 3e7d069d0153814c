"""Numbers behind maps, as NumPy arrays: nothing of logs, models or screens."""
