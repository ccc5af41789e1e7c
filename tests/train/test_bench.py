"""``deg bench train`` measures what it says, with the keys scripts rely on."""

from __future__ import annotations

from collections.abc import Callable

from configs.schema import Config
from envs.params import site_params
from train.bench import bench

KEYS = {
    "fast_env_steps_per_s", "stock_1env_env_steps_per_s", "stock_16env_env_steps_per_s",
    "stock_equal_batch_env_steps_per_s", "handwritten_env_steps_per_s", "mappo_one_critic_env_steps_per_s",
    "learned_return", "neutral_return", "breakdown",
}  # fmt: skip


def test_bench_reports_every_contender(cluster: None, small_config: Callable[..., Config]) -> None:
    config = small_config("train.sites=64", "train.fragment_steps=8", "train.minibatch=128")
    result = bench(config, site_params(), rounds=1, learn=12)
    assert set(result) >= KEYS
    speeds = {name: value for name, value in result.items() if name.endswith("per_s")}
    assert all(value > 0.0 for value in speeds.values())
    assert result["fast_env_steps_per_s"] > 3.0 * result["stock_1env_env_steps_per_s"]
    assert result["neutral_return"] < 0.0
    assert result["learned_return"] < 0.0
    assert {"rollout_s", "learn_s", "weights_s"} <= set(result["breakdown"])
