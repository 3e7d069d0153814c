"""One file a kind of writer."""
