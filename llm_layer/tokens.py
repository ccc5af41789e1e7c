"""How long a prompt is in tokens, without an engine."""

from __future__ import annotations

import importlib.util

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
