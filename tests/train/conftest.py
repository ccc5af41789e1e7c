"""A small training setup: two short generator worlds, networks as in earnest, and one Ray for all tests here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

from configs.load import load_config
from configs.schema import Config
from envs.params import site_params
from train.machine import ray_cluster
from train.setup import Setup, setup_of

SMALL = (
    "train.worlds=2", "train.world_days=25", "train.sites=32", "train.fragment_steps=32", "train.minibatch=256",
    "train.env_steps=8192", "train.evaluate_weeks=0", "wandb.mode=disabled", "train.sale_share=1.0",
    "signals.path=no-such-folder",
)  # fmt: skip


@pytest.fixture(scope="session")
def small_config() -> Callable[..., Config]:
    def make(*overrides: str) -> Config:
        return load_config(None, [*SMALL, *overrides])

    return make


@pytest.fixture(scope="session")
def small_setup(small_config: Callable[..., Config]) -> Setup:
    return setup_of(small_config(), site_params())


@pytest.fixture(scope="session")
def setup_as(small_setup: Setup) -> Callable[..., Setup]:
    def make(**changes: Any) -> Setup:
        return replace(small_setup, **changes)

    return make


@pytest.fixture(scope="session")
def cluster(small_config: Callable[..., Config]) -> Iterator[None]:
    with ray_cluster(small_config().train, processes=6):  # two samplers, two learners and those who drive them
        yield
