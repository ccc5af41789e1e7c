"""``deg describe env``: the registered environments, from their declarations."""

from __future__ import annotations

from typing import Annotated

import typer

from deg.options import AsJson, print_json, print_table

EnvId = Annotated[str | None, typer.Argument(metavar="[ID]", help="Such as deg/UKSite-v0; left out, all ids.")]
Markdown = Annotated[bool, typer.Option("--markdown", help="The page docs/environments.md.")]


def env(env_id: EnvId = None, markdown: Markdown = False, as_json: AsJson = False) -> None:
    """Every environment, or one: faces, actions, observations, parameters, what is modelled and what is not."""
    from envs import datasheet
    from envs.registry import REGISTERED

    if markdown:
        print(datasheet.markdown(), end="")
    elif env_id is None:
        if as_json:
            print_json({"environments": [datasheet.datasheet(entry.id) for entry in REGISTERED]})
        else:
            print_table("Environments", ("id", "what"), [(entry.id, entry.title) for entry in REGISTERED])
    else:
        sheet = datasheet.datasheet(env_id)
        if as_json:
            print_json(sheet)
        else:
            print("\n".join(datasheet.page(sheet)))
