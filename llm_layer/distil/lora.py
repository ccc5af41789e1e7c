"""Fine-tuning a small causal language model by low-rank adapters (Hu et al. 2021) on pairs of prompt and answer.

The model computes in bfloat16 and the optimiser keeps the adapters in float32: on CPUs with bfloat16 arithmetic about
twice as fast as float32 adapters under autocast. Every pair is seen once; the loss is that of the answer alone.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from llm_layer.distil.chat import SHORT_TEMPLATE, framed
from llm_layer.distil.pairs import Pair

LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
BUCKET = 16  # batches of which pairs of like length are put together: little padding, and still a mixture
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Recipe:
    """rank: of the adapters, which are scaled by alpha / rank. learning_rate: warmed up, then a half cosine to 3 %."""

    rank: int = 16
    alpha: int = 32
    learning_rate: float = 2e-3
    batch: int = 16
    warm_up_steps: int = 10
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Tuned:
    """What a fine-tuning took. losses: mean per answer token, one a step."""

    recipe: Recipe
    pairs: int
    tokens: int
    cpu_s: float
    wall_s: float
    losses: tuple[float, ...]

    def card(self) -> dict[str, Any]:
        last = self.losses[-20:]
        return {
            "recipe": asdict(self.recipe),
            "pairs": self.pairs,
            "tokens": self.tokens,
            "cpu_s": round(self.cpu_s),
            "wall_s": round(self.wall_s),
            "loss_of_last_20_steps": round(float(np.mean(last)), 4),
        }


def tune(
    base: Path,
    pairs: Sequence[Pair],
    out: Path,
    recipe: Recipe,
    progress: Progress | None = None,
    onto: Path | None = None,
) -> Tuned:
    """Fit adapters of ``base`` to the pairs and write them to ``out`` in peft's form.

    Args:
        onto: folder of adapters of the same base to go on from; None: from nothing.

    Raises:
        ValueError: fewer pairs than one batch holds, or adapters of another rank.
        ImportError: transformers or peft is not installed (extra ``distil``).
    """
    from transformers import AutoTokenizer

    if len(pairs) < recipe.batch:
        raise ValueError(f"{len(pairs)} pairs are fewer than a batch of {recipe.batch}; ask for more")
    torch.manual_seed(recipe.seed)
    tokenizer = AutoTokenizer.from_pretrained(base)
    rows = [framed(tokenizer, pair) for pair in pairs]
    model = _with_adapters(base, recipe, onto)
    clock, processor, losses = time.monotonic(), time.process_time(), []
    steps = len(rows) // recipe.batch
    optimiser = _Optimiser(model, recipe, steps)
    model.train()
    for number, batch in enumerate(_batches(rows, recipe)):
        losses.append(_loss(model, batch))
        optimiser.step(number)
        if progress is not None:
            progress(number + 1, steps)
    model.peft_config["default"].base_model_name_or_path = base.name  # not where it lay
    model.save_pretrained(out, save_embedding_layers=False)  # "auto" would ask the hub for the base by its name
    (out / "chat_template.jinja").write_text(SHORT_TEMPLATE, encoding="utf-8")
    (out / "README.md").unlink(missing_ok=True)  # peft's empty form
    tokens = sum(len(prompt) + len(answer) for prompt, answer in rows)
    return Tuned(
        recipe, steps * recipe.batch, tokens, time.process_time() - processor, time.monotonic() - clock, tuple(losses)
    )


def _with_adapters(base: Path, recipe: Recipe, onto: Path | None) -> Any:
    from peft import LoraConfig, PeftModel, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
    if onto is not None:
        tuned = PeftModel.from_pretrained(model, onto, is_trainable=True, autocast_adapter_dtype=False)
        known = tuned.peft_config["default"]
        if (known.r, known.lora_alpha) != (recipe.rank, recipe.alpha):
            raise ValueError(f"{onto}: adapters of rank {known.r}; go on from ones of rank {recipe.rank}")
        return tuned
    adapters = LoraConfig(
        r=recipe.rank, lora_alpha=recipe.alpha, lora_dropout=0.0, task_type="CAUSAL_LM", target_modules=list(LAYERS)
    )
    return get_peft_model(model, adapters, autocast_adapter_dtype=False)


Row = tuple[list[int], list[int]]


def _batches(rows: Sequence[Row], recipe: Recipe) -> Iterator[list[Row]]:
    """Each row once, in seeded order; within a bucket rows of like length share a batch."""
    rng = np.random.default_rng(recipe.seed)
    order = rng.permutation(len(rows))
    size = recipe.batch * BUCKET
    for start in range(0, len(order), size):
        bucket = sorted(order[start : start + size], key=lambda row: len(rows[row][0]) + len(rows[row][1]))
        firsts = np.arange(0, len(bucket) - recipe.batch + 1, recipe.batch)
        for first in rng.permutation(firsts):
            yield [rows[row] for row in bucket[first : first + recipe.batch]]


def _loss(model: Any, batch: Sequence[Row]) -> float:
    """Gradients of the mean loss per answer token; the vocabulary's layer is applied to answer positions only."""
    width = max(len(prompt) + len(answer) for prompt, answer in batch)
    tokens, wanted = torch.zeros((len(batch), width), dtype=torch.long), torch.full((len(batch), width), -100)
    there = torch.zeros((len(batch), width), dtype=torch.long)
    for row, (prompt, answer) in enumerate(batch):
        length = len(prompt) + len(answer)
        tokens[row, :length] = torch.tensor(prompt + answer)
        wanted[row, len(prompt) : length] = torch.tensor(answer)
        there[row, :length] = 1
    inner = model.base_model.model
    hidden = inner.model(input_ids=tokens, attention_mask=there, use_cache=False).last_hidden_state
    counted = wanted[:, 1:] != -100
    scores = inner.lm_head(hidden[:, :-1][counted]).float()
    loss = torch.nn.functional.cross_entropy(scores, wanted[:, 1:][counted])
    loss.backward()
    return float(loss.detach())


class _Optimiser:
    """AdamW on float32 copies of bfloat16 adapters."""

    def __init__(self, model: Any, recipe: Recipe, steps: int) -> None:
        self._recipe, self._steps = recipe, steps
        self._adapters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self._copies = [parameter.detach().float().clone() for parameter in self._adapters]
        self._adam = torch.optim.AdamW(self._copies, lr=recipe.learning_rate, weight_decay=0.0, betas=(0.9, 0.98))

    def step(self, number: int) -> None:
        warm = min(1.0, (number + 1) / self._recipe.warm_up_steps)
        rate = self._recipe.learning_rate * warm * max(0.03, 0.5 * (1.0 + math.cos(math.pi * number / self._steps)))
        for group in self._adam.param_groups:
            group["lr"] = rate
        for adapter, copy in zip(self._adapters, self._copies, strict=True):
            copy.grad, adapter.grad = None if adapter.grad is None else adapter.grad.float(), None
        torch.nn.utils.clip_grad_norm_(self._copies, 1.0)
        self._adam.step()
        with torch.no_grad():
            for adapter, copy in zip(self._adapters, self._copies, strict=True):
                adapter.copy_(copy)
