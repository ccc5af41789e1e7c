"""``deg llm distil``: fine-tune a small open model for one role of the supervisor, and leave it ready to be used."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from deg.options import AsJson, print_json, stdout_kept

if TYPE_CHECKING:
    from llm_layer.distil.lora import Recipe
    from llm_layer.distil.pairs import Pair

Role = Annotated[Literal["reader", "judge"], typer.Option("--role", help="What the model is to do.")]
Base = Annotated[str, typer.Option("--base", metavar="MODEL", help="Folder, or name of a pulled model.")]
Count = Annotated[int, typer.Option("--pairs", min=1, help="Examples, each seen once.")]
Seed = Annotated[int, typer.Option("--seed", min=0)]
Labels = Annotated[
    Literal["rules", "mpc"], typer.Option("--labels", help="Whose answers a judge learns; mpc costs 10 CPU s a week.")
]
Weeks = Annotated[int, typer.Option("--weeks", min=1, help="Synthetic weeks that a judge's situations come from.")]
Agents = Annotated[
    str | None, typer.Option("--agents", help="Whose proposals a judge is shown; left out, the carbon threshold's.")
]
Rate = Annotated[float, typer.Option("--learning-rate", min=1e-6, max=1.0)]
Batch = Annotated[int, typer.Option("--batch", min=1, max=256, help="Pairs of a step; fewer of them, more steps.")]
Onto = Annotated[
    Path | None,
    typer.Option("--onto", metavar="FOLDER", help="Adapters of this base to go on from, as this command wrote them."),
]
To = Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Must not exist yet; default runs/distil/ROLE.")]


def distil(
    role: Role = "reader",
    pairs: Count = 3600,
    base: Base = "smollm2-135m",
    labels: Labels = "rules",
    weeks: Weeks = 24,
    agents: Agents = None,
    seed: Seed = 0,
    learning_rate: Rate = 2e-3,
    batch: Batch = 16,
    onto: Onto = None,
    to: To | None = None,
    as_json: AsJson = False,
) -> None:
    """Fit low-rank adapters to made-up examples of a role; writes adapters, their card and the merged model."""
    from deg.judge_data import AGENTS
    from deg.progress import Reporter
    from llm_layer.distil.lora import Recipe, tune
    from llm_layer.distil.merge import merge
    from llm_layer.model_folder import find_model

    folder = to or Path("runs/distil") / role
    if folder.exists():
        raise ValueError(f"--to {folder}: is there already; name another, or remove it")
    model, proposing = find_model(base), agents or AGENTS
    before = None if onto is None else _card_of(onto)
    recipe = Recipe(learning_rate=learning_rate, batch=batch, seed=seed)
    working = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(working, ignore_errors=True)
    with stdout_kept(as_json), Reporter(f"tuning {base} as {role}") as reporter:
        shown = _reader_pairs(pairs, seed) if role == "reader" else _judge_pairs(pairs, seed, labels, weeks, proposing)
        tuned = tune(model.path, shown, working / "adapter", recipe, reporter, onto)
        card = {
            "role": role,
            **({"labels": labels, "agents": proposing, "weeks": weeks} if role == "judge" else {}),
            "base": base,
            "base_revision": model.revision,
            "command": _command(role, base, pairs, recipe, (labels, proposing, weeks), onto),
            **tuned.card(),
            **({} if before is None else {"onto": before}),
        }
        (working / "adapter" / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
        merge(model.path, working / "adapter", working / "model")
        working.rename(folder)
    _say(folder, card, as_json)


def _card_of(onto: Path) -> dict[str, Any]:
    """The card of adapters to go on from. Raises ValueError: the folder is none of adapters."""
    card = onto / "card.json"
    if not card.is_file() or not (onto / "adapter_model.safetensors").is_file():
        raise ValueError(f"--onto {onto}: no adapters with a card; give the folder adapter/ that deg llm distil wrote")
    found: dict[str, Any] = json.loads(card.read_text(encoding="utf-8"))
    return found


def _command(role: str, base: str, pairs: int, recipe: Recipe, judged: tuple[str, str, int], onto: Path | None) -> str:
    """The command line, for the card; of folders the name alone. judged: labels, agents and weeks of a judge."""
    said = f"deg llm distil --role {role} --base {Path(base).name} --pairs {pairs} --seed {recipe.seed}"
    said += f" --learning-rate {recipe.learning_rate:g} --batch {recipe.batch}"
    said += " --labels {} --agents {} --weeks {}".format(*judged) if role == "judge" else ""
    return said if onto is None else f"{said} --onto {onto.name}"


def _reader_pairs(count: int, seed: int) -> Sequence[Pair]:
    from llm_layer.distil.pairs import reader_pairs

    return list(reader_pairs(count, seed))


def _judge_pairs(count: int, seed: int, labels: Literal["rules", "mpc"], weeks: int, agents: str) -> Sequence[Pair]:
    from configs.load import load_config
    from deg.judge_data import labelled, training
    from llm_layer.distil.pairs import judge_pairs

    return judge_pairs(labelled(training(load_config(None), weeks), labels, agents), count, seed)


def _say(folder: Path, card: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json({"folder": str(folder.resolve()), **card})
    else:
        print(f"{card['pairs']} pairs, {card['cpu_s']} CPU s, last loss {card['loss_of_last_20_steps']}")
        print(f"{folder}/model is ready, as supervisor.reader_model or supervisor.model")
