"""Keys of what is done over many runs: comparing controllers, and training agents. Part of ``configs.schema``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from configs.fields import DESIGN, Day, Grids, Levels, Section, Variant, Whole, key


class Evaluate(Section):
    """Controllers compared over weeks and seeds."""

    report: Literal["ablation", "headroom", "claims"] = key(
        "ablation: the variants against each other; headroom: what each flexibility is worth to each variant; claims: "
        "the founding README's impact claims on recorded data"
    )
    variants: Annotated[tuple[Variant, ...], Field(strict=False)] = key(
        "controllers to compare; a supervisor is appended with +", min_length=1
    )
    weeks: Whole = key("number of weeks", "weeks", ge=2, le=51)
    seeds: Whole = key("number of seeds", ge=1, le=100)
    draw: Literal["spread", "stratified"] = key(
        "spread: weeks evenly over the period; stratified: in proportion to the number of requests in a week and, "
        "within it, to the price spread of its days (mean of highest less lowest), every k-th of that order"
    )
    period: Annotated[tuple[Day, Day], Field(strict=False)] = key(
        "first and last Monday that weeks are drawn from", "dates", DESIGN
    )

    axes: Grids = key(
        "grids laid over the configuration, each a group of keys with lists of values: the matrix is run for every "
        "point of each; file stands for experiment files, variants for the variants it is run with"
    )
    counterfactual_weeks: Whole = key(
        "weeks of the first seed in which each override of each supervisor is taken back in turn", "weeks", ge=0, le=51
    )
    workers: Whole = key("processes of a Ray cluster that run blocks; 0: this one alone", ge=0, le=4096, locates=True)
    ray_address: str | None = key("running Ray cluster; null: start one here", locates=True)
    training_runs: str | None = key("folder of training runs, whose learning curves the report shows", locates=True)
    probes: Annotated[tuple[str, ...], Field(strict=False)] = key(
        "JSON files of deg llm probe and its kin, whose numbers the report shows", "list", locates=True
    )

    @model_validator(mode="after")
    def _in_order(self) -> Evaluate:
        if self.axes and self.report != "ablation":
            raise ValueError(f"evaluate.axes has no place in evaluate.report {self.report}; empty it or use ablation")
        if self.period[0] > self.period[1]:
            raise ValueError(f"evaluate.period ends before it starts: {self.period[0]} > {self.period[1]}; swap them")
        return self


class Train(Section):
    """Reinforcement learning with RLlib."""

    algorithm: Literal["ippo", "mappo", "shared", "joint"] = key(
        "independent critics, one critic that sees more, one actor for all agents, or one joint action"
    )
    information: Literal["site", "carbon_aware", "grid_aware"] = key("what the agents observe")
    discrete: Levels | None = key("levels an action is chosen from, odd; null: continuous actions")
    cooling_levels: Levels | None = key("levels of the cooling action; null: as many as the others")
    hold_steps: Literal[1, 2, 4] = key("control steps that a choice is held: 2 is a settlement period", "15-min steps")
    env_steps: Whole = key("environment steps to train for", "15-min steps", ge=1)
    reward: Literal["individual", "team"] = key("each agent's own marginal pounds, or their sum")
    stock_each_step: bool = key("book what charge and queue will be worth as they change, not only at the end")
    critic_sees_future: bool = key("whether a critic that sees more than its actors sees unpublished prices")
    frames: Whole = key("observations of so many choices that an actor sees, the present one included", ge=1, le=16)
    directive_share: float = key(
        "share of the time that a supervisor's bounds narrow the agents; above 0 they observe their bounds",
        "share", ge=0, le=1,
    )  # fmt: skip
    sale_share: float = key("share of the requests met in training that are sold", "share", ge=0, le=1)
    worlds: Whole = key("synthetic worlds to train in", ge=1, le=1000)
    world_days: Whole = key("length of a world", "days", ge=15, le=350)
    sites: Whole = key("sites simulated together by a runner", ge=1, le=65536)
    fragment_steps: Whole = key("choices of a rollout", "choices", ge=1, le=4096)
    minibatch: Whole = key("rows of a gradient step", ge=1)
    epochs: Whole = key("passes over a batch", ge=1, le=100)
    lr: float = key("learning rate at the start", gt=0, le=1)
    final_lr_share: float = key("of it left at the end, falling in a line", "share", gt=0, le=1)
    gamma: float = key("discount per choice", gt=0, le=1)
    cooling_gamma: float = key("discount per choice of the cooling agent, where it is paid its own pounds", gt=0, le=1)
    gae_lambda: float = key("lambda of the advantage estimate", ge=0, le=1)
    clip: float = key("PPO's clip of the probability ratio", gt=0, le=1)
    entropy: float = key("weight of the entropy bonus", ge=0, le=1)
    fast: bool = key("batched path; false: RLlib's own runner and learner")
    compiled: bool = key("compile the loss (torch.compile)")
    num_env_runners: Whole = key("parallel samplers; 0: in the driver", ge=0, le=1024)
    num_learners: Whole = key("learner processes; 0: in the driver", ge=0, le=64)
    num_gpus_per_learner: float = key("GPUs for each learner", ge=0, le=8)
    ray_address: str | None = key("running Ray cluster; null: start one here", locates=True)
    checkpoint_every_s: float = key("wall time between checkpoints", "s", gt=0)
    evaluate_weeks: Whole = key("validation weeks of 2022 to evaluate on at the end", "weeks", ge=0, le=46)

    @model_validator(mode="after")
    def _divisible(self) -> Train:
        rows, learners = self.sites * self.fragment_steps, max(1, self.num_learners)
        batch = rows * max(1, self.num_env_runners) // learners
        for name, parts, whole, what in (
            ("train.num_learners", learners, rows, "train.sites x train.fragment_steps"),
            ("train.minibatch", self.minibatch, batch, "train.sites x train.fragment_steps x runners / learners"),
        ):
            if whole % parts:
                raise ValueError(f"{name} {parts} does not divide {what} = {whole}; choose one that does")
        return self
