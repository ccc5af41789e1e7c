"""Every file of configs/supervisor/ is a whole configuration once laid over the defaults, for a model that is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.load import load_config

FILES = sorted((Path(__file__).parents[2] / "configs" / "supervisor").glob("*.yaml"))


def test_there_are_models_from_a_tenth_of_a_billion_to_eight():
    assert len(FILES) >= 6
    names = " ".join(file.stem for file in FILES)
    assert "135m" in names
    assert "8b" in names


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_validates_and_says_licence_and_length(file):
    supervisor = load_config(file).supervisor
    assert supervisor.backend in ("vllm", "openai")
    assert supervisor.model
    assert supervisor.power_w > 0.0
    if supervisor.backend == "vllm":
        head = file.read_text()
        assert "Apache-2.0" in head or "MIT" in head
        assert "tokens" in head
        assert "deg llm pull" in head
