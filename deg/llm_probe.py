"""``deg llm probe``: put a file of notices or situations to a reader or a judge, and score what it answers.

``deg llm notices`` writes such a file of the project's own wordings.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deg.options import AsJson, ConfigFile, Overrides, print_json, print_table, stdout_kept

if TYPE_CHECKING:
    from configs.schema import Supervisor

ProbeFile = Annotated[Path, typer.Argument(metavar="FILE", help="JSON list of notices or of situations.")]
EngineName = Annotated[
    str | None,
    typer.Option(
        "--engine",
        help="rules (situations), bag_of_words (notices), vllm, openai or anthropic; left out, supervisor.backend or "
        "supervisor.reader.",
    ),
]
NoticesFile = Annotated[Path, typer.Argument(metavar="FILE", help="Where to write the notices.")]
SplitName = Annotated[str, typer.Option("--split", help="train, valid or test; readers learn from train alone.")]
MODELS = ("vllm", "openai", "anthropic")
KNOWN = {"notices": ("bag_of_words", *MODELS), "situations": ("rules", *MODELS)}


def probe(
    file: ProbeFile,
    overrides: Overrides = None,
    config_file: ConfigFile = None,
    engine: EngineName = None,
    as_json: AsJson = False,
) -> None:
    """Score a reader on notices, or a judge on situations; works without expected answers, too."""
    from configs.load import load_config
    from llm_layer.probe.files import read_probe

    supervisor = load_config(config_file, overrides or ()).supervisor
    kind, items = read_probe(file)
    asked = _engine_of(kind, engine, supervisor)
    with stdout_kept(as_json):
        found = _notices(items, asked) if kind == "notices" else _situations(items, asked)
    if as_json:
        print_json(found)
    else:
        _show(found, kind)


def notices(
    file: NoticesFile,
    split: SplitName = "test",
    count: Annotated[int, typer.Option("--count", min=1, max=100_000, help="How many.")] = 800,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Same seed, same notices.")] = 1,
    worn: Annotated[
        bool, typer.Option("--worn", help="As they may arrive: letters slip, something else stands beside them.")
    ] = False,
) -> None:
    """Write a probe file of notices in the project's own wordings, with what they mean."""
    import json

    from llm_layer.notices.wordings import SPLITS
    from llm_layer.probe.own import own_notices

    known = next((name for name in SPLITS if name == split), None)
    if known is None:
        raise ValueError(f"--split {split}: take one of {', '.join(SPLITS)}")
    file.write_text(json.dumps(own_notices(count, seed, known, worn), ensure_ascii=False, indent=1), encoding="utf-8")
    print(f"{file}: {count} notices of the {split} wordings; score them with deg llm probe {file}")


def _engine_of(kind: str, engine: str | None, supervisor: Supervisor) -> Supervisor:
    """The configuration with the engine that is to answer. Raises ValueError: one that cannot answer such a file."""
    default = supervisor.backend if kind == "situations" else supervisor.reader
    name = engine or (default if default in KNOWN[kind] else KNOWN[kind][0])
    if name not in KNOWN[kind]:
        raise ValueError(f"--engine {name}: {kind} are answered by one of {', '.join(KNOWN[kind])}")
    role = "backend" if kind == "situations" else "reader"
    return supervisor.model_copy(update={role: name, "replay": None})


def _notices(items: list[dict[str, Any]], asked: Supervisor) -> dict[str, Any]:
    from llm_layer.probe.control import probe_beside_control
    from llm_layer.probe.notices import notices_of, probe_notices
    from llm_layer.reader.open import reader_of

    notices_of(items)  # bad items before an engine starts
    with reader_of(asked) as reader:
        return (probe_beside_control if asked.reader in MODELS else probe_notices)(items, reader)


def _situations(items: list[dict[str, Any]], asked: Supervisor) -> dict[str, Any]:
    from llm_layer.backends import open_supervisor
    from llm_layer.probe.situations import probe_situations, situation_of

    for number, item in enumerate(items):
        situation_of(item, number)
    with open_supervisor(asked) as judge:
        assert judge is not None  # "none" is no engine here
        return probe_situations(items, judge)


def _show(found: dict[str, Any], kind: str) -> None:
    rows = [("overall", found["overall"]), *found.get("per_kind", {}).items(), *found.get("controls", {}).items()]
    if found.get("control"):
        rows.append(("control", found["control"]))
    names = [name for name in found["overall"] if name != "items"]
    table = [
        [label, *("-" if shares.get(name) is None else f"{shares[name]:g}" for name in names)] for label, shares in rows
    ]
    print_table(f"{found['overall']['items']} {kind}", ["", *(name.replace("_", " ") for name in names)], table)
