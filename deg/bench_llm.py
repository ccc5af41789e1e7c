"""``deg bench llm``: what a decision of the local model costs on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from deg.bench_env import calibration_s
from deg.options import AsJson, ConfigFile, Overrides, print_json, stdout_kept

DEFAULT_MODEL = "smollm2-135m"
AGENTS = "carbon_threshold"  # whose proposals the situations hold

Rounds = Annotated[int, typer.Option("--rounds", min=1, help="Interleaved rounds; figures are their medians.")]


def llm(
    overrides: Overrides = None, config_file: ConfigFile = None, rounds: Rounds = 3, as_json: AsJson = False
) -> None:
    """The supervisor's model: batches against one by one, with and without prefix caching. Some minutes on a CPU."""
    from configs.load import load_config
    from deg.progress import Reporter

    config = load_config(config_file, overrides or ())
    with stdout_kept(as_json), Reporter("bench llm", "measurement") as reporter:
        from deg.situations import situations_of
        from llm_layer.bench import bench, situations_needed
        from llm_layer.model_folder import NEEDED_TOKENS_LONG, find_model

        model = find_model(config.supervisor.model or DEFAULT_MODEL, NEEDED_TOKENS_LONG)
        situations = situations_of(config, AGENTS, situations_needed(rounds))
        before = calibration_s()
        result = bench(model, situations, rounds, reporter)
    result["calibration_s"] = (before + calibration_s()) / 2.0
    if as_json:
        print_json(result)
    else:
        _print(result)


def _print(result: Mapping[str, Any]) -> None:
    costs = result["cpu_s_per_decision"]
    for name, cpu_s in costs.items():
        print(f"{name.replace('_', ' '):<36}{cpu_s:>8.3f} CPU seconds a decision")
    print(f"batch of 16 over one by one: {result['batched_over_sequential_cpu']:.2f} times the decisions a CPU second")
    print(f"prefix caching, long form: {result['prefix_cache_cpu_ratio']:.2f} of the CPU seconds without")
    print(
        f"valid directives {100.0 * result['valid_directives']:.1f} % of {result['decisions']}; "
        f"{result['decisions_per_s']:.2f} decisions a second; prompt up to {result['prompt_tokens']} tokens, "
        f"long form {result['long_prompt_tokens']}, {result['long_shared_tokens']} of them shared"
    )
