"""One table of every figure that README and docs claim."""
