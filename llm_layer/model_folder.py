"""A folder that holds a language model, checked before an engine is started on it.

What is looked at is what vLLM and transformers need: configuration, weights, tokenizer, chat template, context length.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MODELS = Path("models")  # where `deg llm pull` puts them; git ignores it
# Longest prompt and answer, with room to spare: about 500 tokens with four requests and the proposals shown; the long
# form's static part is some 800 more.
NEEDED_TOKENS = 1024
NEEDED_TOKENS_LONG = 2048
_WEIGHTS = ("*.safetensors", "*.bin")
_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "tekken.json")
_SAMPLE_BYTES = 1 << 20


class ModelFolderError(ValueError):
    """A model that cannot be used; the message says which, what it lacks and what to do."""


@dataclass(frozen=True)
class ModelFolder:
    """name: as configured. revision: 12 hex digits of what is in the folder. context_tokens: most it can read."""

    path: Path
    name: str
    revision: str
    context_tokens: int


def needed_tokens(form: str) -> int:
    """Context that a prompt form takes, in tokens."""
    return NEEDED_TOKENS_LONG if form == "long" else NEEDED_TOKENS


def find_model(name: str | None, needed: int = NEEDED_TOKENS) -> ModelFolder:
    """The folder of ``supervisor.model`` or ``reader_model``: a path, or the name of one under ``models/``.

    needed: context it has to have, in tokens.

    Raises:
        ModelFolderError: no model is named, there is no such folder, or something it needs is missing.
    """
    if not name:
        raise ModelFolderError(
            "supervisor.model is null; the vllm backend needs a model: `deg llm pull smollm2-135m`, "
            "then supervisor.model=smollm2-135m, or the path of a model folder"
        )
    path = next((path for path in (Path(name), pulled_to(name)) if path.is_dir()), None)
    if path is None:
        raise ModelFolderError(
            f"supervisor.model or reader_model {name!r}: neither a folder nor one under {MODELS}/{_have()}; "
            f"run `deg llm pull {name}`"
        )
    return ModelFolder(path, name, _revision(path), check_folder(path, needed))


def pulled_to(name: str, models: Path = MODELS) -> Path:
    """Where ``deg llm pull`` puts a model; a hub name's slash becomes ``--``."""
    return models / name.replace("/", "--")


def check_folder(path: Path, needed: int = NEEDED_TOKENS) -> int:
    """-> context length in tokens.

    Raises:
        ModelFolderError: something an engine needs is missing from the folder.
    """
    config = _json(path, "config.json")
    if not any(any(path.glob(pattern)) for pattern in _WEIGHTS):
        raise ModelFolderError(f"{path}: no weights ({', '.join(_WEIGHTS)}); pull the model again")
    if not any((path / name).is_file() for name in _TOKENIZERS):
        raise ModelFolderError(
            f"{path}: no tokenizer ({', '.join(_TOKENIZERS)}); copy it from where the weights come from"
        )
    if not _has_chat_template(path):
        raise ModelFolderError(
            f"{path}: no chat template (chat_template.jinja, or chat_template in tokenizer_config.json); "
            "use an instruct-tuned model, or add the template it was tuned with"
        )
    context = _context_tokens(config)
    if context < needed:
        raise ModelFolderError(
            f"{path}: reads {context} tokens, a decision takes up to {needed}; use a model with a longer context"
        )
    return context


def _have() -> str:
    names = sorted(path.name for path in MODELS.iterdir() if path.is_dir()) if MODELS.is_dir() else []
    return f" (there: {', '.join(names)})" if names else ""


def _json(path: Path, name: str) -> dict[str, Any]:
    file = path / name
    if not file.is_file():
        raise ModelFolderError(f"{path}: no {name}; this is no model folder in the Hugging Face form")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelFolderError(f"{file}: is not JSON ({error}); pull the model again") from None
    if not isinstance(content, dict):
        raise ModelFolderError(f"{file}: holds no JSON object; pull the model again")
    return content


def _has_chat_template(path: Path) -> bool:
    if any((path / name).is_file() for name in ("chat_template.jinja", "chat_template.json")):
        return True
    return (path / "tokenizer_config.json").is_file() and bool(
        _json(path, "tokenizer_config.json").get("chat_template")
    )


def _context_tokens(config: dict[str, Any]) -> int:
    """Multi-modal configurations keep it one level down. One that does not say is taken to suffice."""
    inner = config.get("text_config")
    for place in (config, inner if isinstance(inner, dict) else {}):
        if isinstance(place.get("max_position_embeddings"), int):
            return int(place["max_position_embeddings"])
    return NEEDED_TOKENS_LONG


def _revision(path: Path) -> str:
    """Digest of the files' names, sizes and content; of a large file its first and last MiB stand for it."""
    digest = hashlib.sha256()
    for file in sorted(path.iterdir()):
        if not file.is_file() or file.name.startswith("."):
            continue
        size = file.stat().st_size
        digest.update(f"{file.name}:{size}\n".encode())
        with open(file, "rb") as content:
            digest.update(content.read(_SAMPLE_BYTES))
            if size > _SAMPLE_BYTES:
                content.seek(max(_SAMPLE_BYTES, size - _SAMPLE_BYTES))
                digest.update(content.read())
    return digest.hexdigest()[:12]
