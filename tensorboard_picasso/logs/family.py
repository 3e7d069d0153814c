"""Runs beside a run."""


def family(run: str) -> dict[str, str]:
    """Where a run's own loss and accuracy may be: relative names to runs.

    Keras logs to `train` and `validation` under a run's directory, and a probe
    may be logged to a sub-run beside them.
    """

    def at(directory: str) -> dict[str, str]:
        prefix = "" if directory == "." else f"{directory}/"
        return {".": directory, **{each: prefix + each for each in ("train", "validation")}}

    relatives = at(run)
    if run != ".":
        for name, sibling in at(run.rpartition("/")[0] or ".").items():
            # A run named `train` is its own sibling.
            if sibling != run:
                relatives[".." if name == "." else f"../{name}"] = sibling
    return relatives
