"""A tuned model folder: the base model with its adapters added in, and the chat template it was tuned with.

Merged once, on disk, so that every engine and server loads it like any other model.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from llm_layer.model_folder import ModelFolderError, check_folder

ADAPTER, ADAPTER_CONFIG, TEMPLATE = "adapter_model.safetensors", "adapter_config.json", "chat_template.jinja"
MADE_FROM = "tuned.json"  # in a merged folder: which adapters are in it; its revision changes with them
_PREFIX, _DOWN, _UP = "base_model.model.", ".lora_A.weight", ".lora_B.weight"
SHIPPED = Path(__file__).parent / "shipped"


@dataclass(frozen=True, slots=True)
class TunedModel:
    """Adapters that come with the code, and the base model that they were fitted to."""

    base: str
    adapter: Path


TUNED = {
    f"smollm2-135m-{folder.name}": TunedModel("smollm2-135m", folder)
    for folder in sorted(SHIPPED.glob("*"))
    if (folder / ADAPTER).is_file()
}


def merge(base: Path, adapter: Path, to: Path) -> None:
    """Write the model ``base`` + ``adapter`` to the folder ``to``, which must not exist yet.

    W' = W + (alpha / r) B A for each adapted layer (Hu et al. 2021), summed in float32.

    Raises:
        ModelFolderError: the base's weights are not one safetensors file, or the adapters are of another model.
    """
    weights = _weights(base)
    settings = json.loads((adapter / ADAPTER_CONFIG).read_text(encoding="utf-8"))
    scale = settings["lora_alpha"] / settings["r"]
    factors = load_file(adapter / ADAPTER)
    for name in (name for name in factors if name.endswith(_DOWN)):
        layer = name.removeprefix(_PREFIX).removesuffix(_DOWN)
        weight = weights.get(f"{layer}.weight")
        down, up = factors[name].float(), factors[name.removesuffix(_DOWN) + _UP].float()
        if weight is None or weight.shape != (up.shape[0], down.shape[1]):
            raise ModelFolderError(f"{adapter}: its layer {layer} does not fit {base}; it was tuned on another model")
        weights[f"{layer}.weight"] = (weight.float() + scale * (up @ down)).to(weight.dtype)
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".merge-", dir=to.parent) as scratch:
        made = Path(scratch) / "model"
        made.mkdir()
        save_file(weights, made / "model.safetensors", metadata={"format": "pt"})
        for file in base.glob("*.json"):
            shutil.copyfile(file, made / file.name)
        _take_template(adapter, made)
        (made / MADE_FROM).write_text(json.dumps({"adapter_sha256": _digest(adapter)}) + "\n", encoding="utf-8")
        check_folder(made)
        made.rename(to)


def is_of(folder: Path, adapter: Path) -> bool:
    """Whether the merged model in ``folder`` was made from these very adapters."""
    try:
        known = json.loads((folder / MADE_FROM).read_text(encoding="utf-8"))["adapter_sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return bool(known == _digest(adapter))


def _digest(adapter: Path) -> str:
    return hashlib.sha256((adapter / ADAPTER).read_bytes()).hexdigest()


def _weights(base: Path) -> dict[str, torch.Tensor]:
    file = base / "model.safetensors"
    if not file.is_file():
        raise ModelFolderError(f"{base}: no model.safetensors; adapters are merged into a model of one weight file")
    return load_file(file)


def _take_template(adapter: Path, made: Path) -> None:
    """In both places where engines look for a chat template."""
    template = (adapter / TEMPLATE).read_text(encoding="utf-8")
    (made / TEMPLATE).write_text(template, encoding="utf-8")
    file = made / "tokenizer_config.json"
    settings = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(settings | {"chat_template": template}, indent=1), encoding="utf-8")
