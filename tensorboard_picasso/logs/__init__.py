"""Reading logs: from a data provider of TensorBoard, or from event files."""
