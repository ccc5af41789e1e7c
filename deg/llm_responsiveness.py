"""``deg llm responsiveness``: whether a supervisor responds to the grid at all."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from deg.options import AsJson, ConfigFile, Overrides, print_json, print_table, stdout_kept

HOURS = (7.0, 12.0, 17.0, 22.0, 55.0, 64.0, 89.0, 135.0)  # of the run; moments that are changed one signal at a time

Agents = Annotated[str | None, typer.Option("--agents", help="Whose proposals stay; agents.policy if left out.")]
Plot = Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Draw it: .png, .svg or .pdf.")]


def responsiveness(
    overrides: Overrides = None,
    config_file: ConfigFile = None,
    agents: Agents = None,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Sweep carbon, price, request, charge, queue and inlet one at a time; say how far the directives move."""
    from configs.load import load_config
    from deg.progress import Reporter

    config = load_config(config_file, overrides or ())
    with stdout_kept(as_json), Reporter("responsiveness"):
        from envs.batch import SiteBatch
        from evaluate.cases import make_case
        from evaluate.variants import Variant, check_known, make_policy, policy_seeds
        from llm_layer.answers import FILE_NAME
        from llm_layer.backends import open_supervisor
        from llm_layer.responsiveness import bases_of
        from llm_layer.responsiveness import responsiveness as sweep

        variant = Variant(agents or config.agents.policy, "")
        check_known([variant])
        case = make_case(config)
        steps = [int(4 * hour) for hour in HOURS if 4 * hour < case.rows.steps]
        bases = bases_of(lambda: SiteBatch([case]), make_policy(variant, [case], 0), steps, policy_seeds(0, 1))
        with open_supervisor(config.supervisor, answers=Path(config.run.dir) / ".cache" / FILE_NAME) as policy:
            if policy is None:
                raise ValueError("supervisor.backend is none; name a supervisor to sweep")
            found = sweep(policy, bases)
            policy_id = policy.policy_id
        if plot is not None:
            from evaluate.responsiveness_figure import draw_responsiveness

            draw_responsiveness(found, f"{config.supervisor.backend} above {variant.name}", plot)
    if as_json:
        print_json({"policy": policy_id, "agents": variant.name, "bases": len(bases), "signals": found})
    else:
        _print(found)


def _print(found: dict[str, Any]) -> None:
    rows = [
        [
            name,
            *(f"{moved:.2f}" for moved in sweep["moves"].values()),
            f"{100.0 * sweep['changed']:.0f} %",
            "flat" if sweep["flat"] else "",
        ]
        for name, sweep in found.items()
    ]
    columns = ["signal", *(f"{agent.replace('_', ' ')} moves" for agent in next(iter(found.values()))["moves"])]
    print_table("", [*columns, "moments in which anything changes", ""], rows)
