"""The stored format: what a series is, and records to bytes and back."""
