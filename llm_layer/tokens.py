"""How long a prompt is in tokens, without an engine."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from llm_layer.model_folder import find_model
from llm_layer.prompt import Prompt

CHARACTERS_PER_TOKEN = 2.7  # of these prompts in SmolLM2's tokenizer, which splits numbers into digits


def counted(prompt: Prompt, model: str | None) -> tuple[int, str]:
    """-> tokens, chat template included, and how they were counted.

    Raises:
        ModelFolderError: a model is named that is not there or lacks something.
    """
    if model is None:
        return _guessed(prompt), "estimated; name a pulled supervisor.model to count"
    path = find_model(model).path
    if importlib.util.find_spec("transformers") is None:
        return _guessed(prompt), "estimated; `make install-llm` brings the tokenizer to count"
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(path))
    found = tokenizer.apply_chat_template(prompt.messages, add_generation_prompt=True, return_dict=True)
    return len(found["input_ids"]), f"counted by {model}"


def _guessed(prompt: Prompt) -> int:
    return round((len(prompt.system) + len(prompt.user)) / CHARACTERS_PER_TOKEN)


def shared_tokens(prompts: Sequence[Prompt], folder: Path) -> int:
    """How many tokens all these prompts begin with alike, chat template included. Needs transformers."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    found = [tokenizer.apply_chat_template(prompt.messages, return_dict=True)["input_ids"] for prompt in prompts]
    return next((k for k, ids in enumerate(zip(*found, strict=False)) if len(set(ids)) > 1), min(map(len, found)))
