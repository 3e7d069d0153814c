"""One step: compute it within its budget, make it an event, remember what was written."""
