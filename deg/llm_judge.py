"""``deg llm fit-controls`` and ``deg llm score-judge``: what a language model has to beat, and whether it does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Literal

import typer

from deg.options import AsJson, ConfigFile, Overrides, print_json, print_table, stdout_kept

CONTROLS_FOLDER = Path("models/controls")

Folder = Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Where the fitted controls go.")]
Labelling = Annotated[Literal["rules", "mpc"], typer.Option("--labels", help="Whose answers are right.")]
Weeks = Annotated[int, typer.Option("--weeks", min=2, max=400, help="Training weeks.")]
TestWeeks = Annotated[int, typer.Option("--test-weeks", min=1, max=45, help="Weeks to score on, of each source.")]
Agents = Annotated[
    str | None, typer.Option("--agents", help="Whose proposals are judged; left out, the carbon threshold's.")
]
Most = Annotated[int, typer.Option("--most", min=3, help="Most situations asked about, an equal share of each part.")]


def fit_controls(
    overrides: Overrides = None,
    config_file: ConfigFile = None,
    to: Folder = CONTROLS_FOLDER,
    labels: Labelling = "rules",
    weeks: Weeks = 64,
    test_weeks: TestWeeks = 6,
    agents: Agents = None,
    as_json: AsJson = False,
) -> None:
    """Fit the judge's controls: a tree, an MLP and a constant, none of them a language model; score them."""
    from configs.load import load_config
    from deg.judge_data import AGENTS, labelled, testing, training
    from deg.progress import Reporter

    config, proposing = load_config(config_file, overrides or ()), agents or AGENTS
    with stdout_kept(as_json), Reporter("fit-controls", "world") as reporter:
        from llm_layer.judge.controls import fit_controls as fit
        from llm_layer.judge.labelled import shuffled, trainable

        learnt = trainable(labelled(training(config, weeks), labels, proposing, reporter))
        card = fit(learnt, labels, to)
        tested = labelled(testing(config, test_weeks), labels, proposing)
        with TemporaryDirectory() as scratch:
            fit(shuffled(learnt), labels, Path(scratch))
            by_chance = _controls_scored(tested, scratch)
        result: dict[str, Any] = {"folder": str(to.resolve()), "labels": labels, "trained_on": card["situations"]}
        result["scores"] = _controls_scored(tested, str(to))
        result["fitted_to_shuffled"] = {name: by_chance[name] for name in ("tree", "mlp")}
    if as_json:
        print_json(result)
    else:
        _print(result["scores"] | {f"{name}, labels shuffled": by_chance[name] for name in ("tree", "mlp")})
        print(f"fitted on {result['trained_on']} situations: supervisor.backend=tree supervisor.controls={to}")


def score_judge(
    overrides: Overrides = None,
    config_file: ConfigFile = None,
    labels: Labelling = "rules",
    test_weeks: TestWeeks = 6,
    agents: Agents = None,
    most: Most = 300,
    as_json: AsJson = False,
) -> None:
    """Score the supervisor of a configuration as a judge: one cause, combinations seen, and combinations held out."""
    from configs.load import load_config
    from deg.judge_data import AGENTS, labelled, testing
    from deg.progress import Reporter

    config, proposing = load_config(config_file, overrides or ()), agents or AGENTS
    with stdout_kept(as_json), Reporter("score-judge", "world") as reporter:
        from llm_layer.answers import FILE_NAME
        from llm_layer.backends import open_supervisor
        from llm_layer.judge.labelled import shuffled, thinned
        from llm_layer.judge.scores import constant_of, decided, score

        tested = thinned(labelled(testing(config, test_weeks), labels, proposing, reporter), most)
        answers = Path(config.run.dir) / ".cache" / FILE_NAME
        with open_supervisor(config.supervisor, answers=answers) as policy:
            if policy is None:
                raise ValueError("supervisor.backend is none; name a supervisor to score")
            decisions = decided(policy, tested)
            policy_id = policy.policy_id
        scores = {
            config.supervisor.backend: score(tested, decisions),
            f"{config.supervisor.backend}, labels shuffled": score(shuffled(tested), decisions),
        }
        result: dict[str, Any] = {
            "policy": policy_id,
            "labels": labels,
            "situations": len(tested),
            "best_constant_here": constant_of(tested),
            "scores": scores | _controls_scored(tested, config.supervisor.controls),
        }
    if as_json:
        print_json(result)
    else:
        _print(result["scores"])


def label_worth(
    overrides: Overrides = None,
    config_file: ConfigFile = None,
    test_weeks: TestWeeks = 6,
    agents: Agents = None,
    as_json: AsJson = False,
) -> None:
    """What a judge that always gave the labelled answer would save, on real weeks of 2022: labels by rules and MPC."""
    from configs.load import load_config
    from deg.judge_data import AGENTS
    from deg.label_worth import label_worth as worth
    from deg.progress import Reporter

    config = load_config(config_file, overrides or ())
    with stdout_kept(as_json), Reporter("label-worth", "week") as reporter:
        result = worth(config, agents or AGENTS, test_weeks, reporter)
    if as_json:
        print_json(result)
    else:
        print_table(
            "", ["who decides", "saving, %"], [[who, f"{saved:.2f}"] for who, saved in result["saving_percent"].items()]
        )


def _controls_scored(tested: list[Any], folder: str | None) -> dict[str, Any]:
    from configs.fields import CONTROLS
    from llm_layer.judge.controls import open_control
    from llm_layer.judge.scores import decided, score

    return {name: score(tested, decided(open_control(name, folder), tested)) for name in CONTROLS}


def _print(scores: Mapping[str, Mapping[str, Any]]) -> None:
    names = ("situations", "all", "load_shift", "battery", "cooling", "overrides_right", "follows_right")
    rows = [
        [
            who,
            part,
            *("-" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value) for value in values),
        ]
        for who, found in scores.items()
        for part, shares in found.items()
        if isinstance(shares, Mapping)
        for values in [[shares[name] for name in names]]
    ]
    print_table("", ["judge", "part", *(name.replace("_", " ") for name in names)], rows)
