"""What cannot work says so in one line, and leaves what is there as it was."""

from __future__ import annotations

import json
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from configs.load import load_config
from configs.schema import Config
from deg.cli import exit_code
from envs.params import site_params
from tests.train.conftest import SMALL
from train import checkpoints
from train.loop import StoppedEarly, train

REPO = Path(__file__).parents[2]


def refused(capsys: pytest.CaptureFixture[str], folder: Path, *overrides: str) -> str:
    """``deg train`` with these overrides ends with exit code 2; -> its one line."""
    assert exit_code(["train", *SMALL, f"run.dir={folder}", *overrides]) == 2
    said = capsys.readouterr().err.strip()
    assert len(said.splitlines()) == 1, said
    assert not list(folder.iterdir()), "nothing is left behind"
    return said


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, tmp_path, "train.num_gpus_per_learner=1")
    assert "train.num_gpus_per_learner 1" in said
    assert "set it to 0" in said


@pytest.mark.parametrize("address", ["127.0.0.1:9", "cluster", "ray://127.0.0.1:9"])
def test_a_cluster_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str], address: str) -> None:
    said = refused(capsys, tmp_path, f"train.ray_address={address}")
    assert f"train.ray_address {address}" in said.replace("'", "")
    assert "null" in said


def test_a_batch_that_does_not_divide(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "train.minibatch 1000 does not divide" in refused(capsys, tmp_path, "train.minibatch=1000")


@pytest.fixture
def broken_off(
    tmp_path: Path, cluster: None, small_config: Callable[..., Config]
) -> tuple[Path, Callable[..., dict[str, Any]]]:
    """A run folder with a checkpoint, and how to go on with it."""
    config = small_config("train.env_steps=6144", "train.checkpoint_every_s=1000")

    def go_on(on_progress: Callable[[int, int], None] | None = None) -> dict[str, Any]:
        return train(config, tmp_path / "run", site_params(), on_progress=on_progress)

    def stop(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(StoppedEarly):
        go_on(stop)
    return tmp_path / "run", go_on


def test_checkpoints_of_something_else_are_refused_and_kept(
    broken_off: tuple[Path, Callable[..., dict[str, Any]]],
) -> None:
    folder, go_on = broken_off
    path = checkpoints.latest(folder)
    assert path is not None
    mark = path / checkpoints.OWN
    good = json.loads(mark.read_text())
    for key, other in (
        ("algorithm", "ippo"), ("layout_hash", "0" * 12), ("checkpoint version", 1), ("ray version", "2.0.0"),
        ("information", "site"), ("seed", 9), ("frames", 4),
    ):  # fmt: skip
        mark.write_text(json.dumps({**good, "identity": {**good["identity"], key: other}}))
        with pytest.raises(checkpoints.ResumeError, match=rf"its {key} is {other!r}, this run's is") as error:
            go_on()
        assert "\n" not in str(error.value)
    mark.write_text("{")
    with pytest.raises(checkpoints.ResumeError, match="not a checkpoint"):
        go_on()
    mark.write_text(json.dumps(good))
    assert go_on()["resumed_at"] == good["env_steps"]


def test_a_full_disk_keeps_the_last_checkpoint_and_the_run_goes_on_later(
    broken_off: tuple[Path, Callable[..., dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, go_on = broken_off
    kept = checkpoints.latest(folder)
    assert kept is not None
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    def no_room(_done: int, _total: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, hard))  # as the file system would: no file grows further
        raise KeyboardInterrupt

    try:
        with pytest.raises(OSError, match="the last checkpoint is kept") as error:
            go_on(no_room)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert "\n" not in str(error.value)
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]
    assert go_on()["resumed_at"] == 2048


@pytest.mark.parametrize("name", ["train.yaml", "train_beside_llm.yaml"])
def test_gpu_experiments_are_valid(name: str) -> None:
    config = load_config(REPO / "configs" / "gpu" / name)
    assert config.train.num_gpus_per_learner > 0
    assert config.train.compiled
