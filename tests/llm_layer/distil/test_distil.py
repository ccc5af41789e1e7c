"""``deg llm distil`` from end to end, on a model of a few thousand weights with the tokenizer of the real one."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import pytest

from deg.cli import exit_code
from llm_layer.distil.merge import ADAPTER
from llm_layer.model_folder import find_model

TOKENIZER = Path(__file__).parents[3] / "models" / "smollm2-135m"
pytestmark = [
    pytest.mark.llm,
    pytest.mark.skipif(importlib.util.find_spec("peft") is None, reason="peft is not installed: make install-llm"),
    pytest.mark.skipif(not TOKENIZER.is_dir(), reason="models/smollm2-135m is not there: make test-llm"),
]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("models") / "tiny"
    vocabulary = json.loads((TOKENIZER / "config.json").read_text())["vocab_size"]
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = LlamaConfig(vocab_size=vocabulary, max_position_embeddings=2048, tie_word_embeddings=True, **shape)
    LlamaForCausalLM(config).bfloat16().save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(TOKENIZER / name, folder / name)
    return folder


def distil(capsys: pytest.CaptureFixture[str], base: Path, to: Path, *more: str) -> dict:
    asked = ["llm", "distil", "--role", "reader", "--base", str(base), "--to", str(to), "--pairs", "32", "--batch", "8"]
    assert exit_code([*asked, "--json", *more]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_reader_is_tuned_merged_and_goes_on_from_its_adapters(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = distil(capsys, base, tmp_path / "first", "--learning-rate", "0.01")
    adapter = tmp_path / "first" / "adapter"
    card = json.loads((adapter / "card.json").read_text())
    assert {name: first[name] for name in card} == card
    assert card["command"].startswith("deg llm distil --role reader --base tiny --pairs 32 --seed 0")
    assert (card["pairs"], card["base_revision"]) == (32, find_model(str(base)).revision)
    assert find_model(str(tmp_path / "first" / "model")).revision != card["base_revision"]
    assert not list(tmp_path.glob(".*"))  # nothing half done is left

    again = distil(capsys, base, tmp_path / "again", "--learning-rate", "0.01")
    assert (tmp_path / "again" / "adapter" / ADAPTER).read_bytes() == (adapter / ADAPTER).read_bytes()
    assert again["loss_of_last_20_steps"] == first["loss_of_last_20_steps"]

    further = distil(capsys, base, tmp_path / "further", "--onto", str(adapter), "--learning-rate", "0.01")
    assert further["onto"] == card
    assert further["loss_of_last_20_steps"] < first["loss_of_last_20_steps"]


def test_what_it_cannot_go_on_from_or_write_to_ends_it_before_the_work(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for more, said in ((["--onto", str(base)], "no adapters"), (["--to", str(tmp_path)], "is there already")):
        assert exit_code(["llm", "distil", "--base", str(base), *more]) == 2
        assert said in capsys.readouterr().err
