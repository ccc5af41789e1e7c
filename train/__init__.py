"""Reinforcement learning through RLlib: training worlds, batched sampling, PPO, checkpoints, export."""
