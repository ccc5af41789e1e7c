"""The chat form of a tuned model: what the user says, and the answer; instructions are dropped by its own template.

With the template in the model's folder every engine and server drops them alike, and no caller needs to know.
"""

from __future__ import annotations

from typing import Any

from llm_layer.distil.pairs import Pair

START, END = "<|im_start|>", "<|im_end|>"
SHORT_TEMPLATE = (
    "{% for message in messages %}{% if message['role'] != 'system' %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


def framed(tokenizer: Any, pair: Pair) -> tuple[list[int], list[int]]:
    """Token numbers of a pair's prompt and of its answer, each in the template's frame.

    Raises:
        ValueError: the tokenizer does not know the frame's marks as single tokens (another family of models).
    """
    for mark in (START, END):
        if len(tokenizer(mark, add_special_tokens=False).input_ids) != 1:
            raise ValueError(f"this tokenizer has no {mark}; tune a model of the ChatML form, such as smollm2-135m")
    prompt = f"{START}user\n{pair.user}{END}\n{START}assistant\n"
    numbers: list[int] = tokenizer(prompt, add_special_tokens=False).input_ids
    answer: list[int] = tokenizer(pair.answer + END, add_special_tokens=False).input_ids
    return numbers, answer
