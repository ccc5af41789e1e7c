"""Reinforcement learning through RLlib: training worlds, batched sampling, PPO, checkpoints, export."""

import os

# Read by Ray when it is imported: leave CUDA_VISIBLE_DEVICES as it is where a process asks for no GPU.
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
