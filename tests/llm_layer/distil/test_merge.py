"""Adapters are added to the layers they were fitted to, and to no others."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from llm_layer import weights
from llm_layer.distil.merge import ADAPTER, ADAPTER_CONFIG, TEMPLATE, TunedModel, merge
from llm_layer.model_folder import ModelFolderError, find_model

LAYER = "model.layers.0.self_attn.q_proj"


def base_model(folder: Path) -> dict[str, torch.Tensor]:
    folder.mkdir()
    weights = {f"{LAYER}.weight": torch.randn(6, 4).bfloat16(), "model.norm.weight": torch.randn(4).bfloat16()}
    save_file(weights, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"max_position_embeddings": 8192}))
    (folder / "tokenizer.json").write_text("{}")
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": "the base's own", "eos_token": "e"}))
    return weights


def adapters(folder: Path, layer: str = LAYER, width: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    folder.mkdir()
    down, up = torch.randn(2, width), torch.randn(6, 2)
    name = f"base_model.model.{layer}"
    save_file({f"{name}.lora_A.weight": down, f"{name}.lora_B.weight": up}, folder / ADAPTER)
    (folder / ADAPTER_CONFIG).write_text(json.dumps({"r": 2, "lora_alpha": 6}))
    (folder / TEMPLATE).write_text("tuned")
    return down, up


def test_merged_model_is_base_plus_scaled_product_and_speaks_the_tuned_template(tmp_path: Path) -> None:
    before = base_model(tmp_path / "base")
    down, up = adapters(tmp_path / "adapter")
    merge(tmp_path / "base", tmp_path / "adapter", tmp_path / "models" / "tuned")

    after = load_file(tmp_path / "models" / "tuned" / "model.safetensors")
    expected = (before[f"{LAYER}.weight"].float() + 3.0 * up @ down).bfloat16()
    assert torch.equal(after[f"{LAYER}.weight"], expected)
    assert torch.equal(after["model.norm.weight"], before["model.norm.weight"])
    settings = json.loads((tmp_path / "models" / "tuned" / "tokenizer_config.json").read_text())
    assert settings == {"chat_template": "tuned", "eos_token": "e"}
    assert sorted(entry.name for entry in (tmp_path / "models").iterdir()) == ["tuned"]


@pytest.mark.parametrize(("layer", "width"), [("model.layers.7.mlp.up_proj", 4), (LAYER, 5)])
def test_adapters_of_another_model_are_refused_and_nothing_is_left(tmp_path: Path, layer: str, width: int) -> None:
    base_model(tmp_path / "base")
    adapters(tmp_path / "adapter", layer, width)
    with pytest.raises(ModelFolderError, match="was tuned on another model"):
        merge(tmp_path / "base", tmp_path / "adapter", tmp_path / "models" / "tuned")
    assert not (tmp_path / "models").exists() or not list((tmp_path / "models").iterdir())


def test_a_pulled_model_is_made_again_once_the_code_comes_with_other_adapters(tmp_path: Path, monkeypatch) -> None:
    models = tmp_path / "models"
    models.mkdir()
    base_model(models / "smollm2-135m")
    revisions = []
    for name in ("first", "second", "second"):
        if not (tmp_path / name).exists():
            adapters(tmp_path / name)
        monkeypatch.setitem(weights.TUNED, "smollm2-135m-reader", TunedModel("smollm2-135m", tmp_path / name))
        folder = weights.pull("smollm2-135m-reader", models)
        revisions.append(find_model(str(folder)).revision)
    assert revisions[0] != revisions[1] == revisions[2]
    assert sorted(entry.name for entry in models.iterdir()) == ["smollm2-135m", "smollm2-135m-reader"]
