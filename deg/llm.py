"""``deg llm``: get a language model for the supervisor, and look at what it is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from deg import llm_distil, llm_judge, llm_probe, llm_responsiveness
from deg.options import AsJson, ConfigFile, Overrides, print_json, stdout_kept

app = typer.Typer(help="The language model behind the supervisor.", no_args_is_help=True)
app.command(name="probe")(llm_probe.probe)
app.command(name="notices")(llm_probe.notices)
app.command(name="fit-controls")(llm_judge.fit_controls)
app.command(name="score-judge")(llm_judge.score_judge)
app.command(name="label-worth")(llm_judge.label_worth)
app.command(name="responsiveness")(llm_responsiveness.responsiveness)
app.command(name="distil")(llm_distil.distil)

ModelName = Annotated[
    str, typer.Argument(metavar="NAME", help="smollm2-135m, a model folder, or a hub name such as OWNER/MODEL.")
]
ModelsFolder = Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Where pulled models lie.")]


@app.command()
def pull(name: ModelName, to: ModelsFolder = Path("models"), as_json: AsJson = False) -> None:
    """Get a model ready: download, check its digest, convert; a folder is checked and used where it lies."""
    from deg.progress import Reporter
    from llm_layer.weights import pull as pull_model

    with stdout_kept(as_json), Reporter(f"pulling {name}"):
        folder = pull_model(name, to)
    if as_json:
        print_json({"folder": str(folder.resolve())})
    else:
        print(f"{folder} is ready: supervisor.backend=vllm supervisor.model={folder}")


@app.command(name="show-prompt")
def show_prompt(overrides: Overrides = None, config_file: ConfigFile = None, as_json: AsJson = False) -> None:
    """What a model is asked for one made-up situation, with its length in tokens."""
    from configs.load import load_config
    from llm_layer.prompt import PROMPT_VERSION, build_prompt
    from llm_layer.sample import SAMPLE
    from llm_layer.tokens import counted

    supervisor = load_config(config_file, overrides or ()).supervisor
    prompt = build_prompt(SAMPLE, supervisor.show_proposals, supervisor.prompt_form)
    tokens, how = counted(prompt, supervisor.model)
    shown: dict[str, Any] = {
        "version": PROMPT_VERSION,
        "tokens": tokens,
        "counted_by": how,
        "system": prompt.system,
        "user": prompt.user,
        "schema": prompt.schema,
    }
    if as_json:
        print_json(shown)
    else:
        print(f"[system]\n{prompt.system}\n\n[user]\n{prompt.user}\n\n{PROMPT_VERSION}: {tokens} tokens, {how}")
