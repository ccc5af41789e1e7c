"""The case behind ``DataCentreEnv``: a synthetic British year, under a recorded workload where its file is at hand."""

from __future__ import annotations

from pathlib import Path

from configs.load import load_config
from envs.case import Case
from evaluate.cases import make_case

YEAR = ("run.start=2022-01-01", "run.days=365")
TRACES = ("google", "alibaba_1", "alibaba_2")


def default_case(location: str, workload_file: str | None) -> Case:
    """A year from 1 January 2022, London. ``location`` has been checked by the environment.

    ``workload_file`` names a trace as the founding README did (``data/google_2011.csv``): the trace that its file name
    begins with is used where the shared data hold it, else the seeded generator, as without a name.

    Raises ValueError on a name that begins with no trace.
    """
    if workload_file is not None:
        config = load_config(None, [*YEAR, f"workload.name={_trace_of(workload_file)}"])
        if (Path(config.workload.path or ".") / f"workload_{config.workload.name}.csv.gz").is_file():
            return make_case(config)
    return make_case(load_config(None, [*YEAR, "workload.name=generator"]))


def _trace_of(workload_file: str) -> str:
    stem = Path(workload_file).stem
    found = next((trace for trace in TRACES if stem.startswith(trace)), None)
    if found is None:
        raise ValueError(f"workload_file {workload_file!r}: no trace of that name; known: {', '.join(TRACES)}")
    return found
