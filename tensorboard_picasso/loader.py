"""The entry point: light to import, so that TensorBoard starts whatever happens here."""
