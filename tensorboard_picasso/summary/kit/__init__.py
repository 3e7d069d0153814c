"""What all rooms of the summary use, and nothing of maps."""
