"""``deg bench``: how fast things are on this machine, for README tables and a floor in tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from deg import bench_env, bench_llm
from deg.options import AsJson, ConfigFile, Overrides, print_json, stdout_kept

app = typer.Typer(help="Measure speed on this machine.", no_args_is_help=True)
app.command(name="env")(bench_env.env)
app.command(name="llm")(bench_llm.llm)

Rounds = Annotated[int, typer.Option("--rounds", min=1, help="Interleaved rounds; speeds are their medians.")]


@app.command()
def train(
    overrides: Overrides = None, config_file: ConfigFile = None, as_json: AsJson = False, rounds: Rounds = 5
) -> None:
    """Training: the fast path against RLlib as it comes and a hand-written loop. Some minutes."""
    from configs.load import load_config
    from deg.progress import Reporter

    config = load_config(config_file, overrides or ())
    with stdout_kept(as_json), Reporter("bench train") as reporter:
        from evaluate.cases import params_of
        from train.bench import bench

        before = bench_env.calibration_s()
        result = bench(config, params_of(config), rounds=rounds, on_progress=reporter)
        result["calibration_s"] = (before + bench_env.calibration_s()) / 2.0
    if as_json:
        print_json(result)
    else:
        _print_result(result)


def _print_result(result: Mapping[str, Any]) -> None:
    fast = result["fast_env_steps_per_s"]
    for name, value in result.items():
        if name.endswith("_env_steps_per_s"):
            label = name.removesuffix("_env_steps_per_s").replace("_", " ")
            print(f"{label:<20}{value:>10,.0f} steps per CPU second{fast / value:>8.2f} x")
    print(f"return of an episode {result['learned_return']:,.2f} GBP, neutral {result['neutral_return']:,.2f} GBP")
    print("one iteration: " + ", ".join(f"{name[:-2]} {1000 * s:.0f} ms" for name, s in result["breakdown"].items()))
    setting = result["setting"]
    print(
        f"batch {setting['batch']:,}, {setting['epochs']} epochs of {setting['minibatches']} minibatches, "
        f"{setting['networks']}"
    )
