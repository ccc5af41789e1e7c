"""Anthropic's messages: the answer is the input of the one tool that the model is made to call."""

from __future__ import annotations

import json
from typing import Any

from llm_layer.engine import MAX_TOKENS
from llm_layer.prompt import Prompt

HOSTED = "https://api.anthropic.com"
API_VERSION = "2023-06-01"
TOOL = "directive"


class Anthropic:
    """base_url: without ``/v1``; None: Anthropic's own."""

    key_name = "ANTHROPIC_API_KEY"
    needs_key = True

    def __init__(self, model: str, base_url: str | None) -> None:
        self.model = model
        root = (base_url or HOSTED).rstrip("/")
        self.url, self.models_url = f"{root}/v1/messages", f"{root}/v1/models"

    def headers(self, key: str) -> dict[str, str]:
        return {"content-type": "application/json", "x-api-key": key, "anthropic-version": API_VERSION}

    def body(self, prompt: Prompt) -> dict[str, Any]:
        return {
            "model": self.model,
            "max_tokens": MAX_TOKENS,
            "temperature": 0,
            "system": prompt.system,
            "messages": [{"role": "user", "content": prompt.user}],
            "tools": [{"name": TOOL, "description": "What the agents are asked.", "input_schema": prompt.schema}],
            "tool_choice": {"type": "tool", "name": TOOL},
        }

    def read(self, reply: Any) -> tuple[str, int, int]:
        usage = reply["usage"]
        called = [block["input"] for block in reply["content"] if block.get("type") == "tool_use"]
        if not called:
            raise ValueError(f"no call of {TOOL}, stopped by {reply.get('stop_reason')}")
        return json.dumps(called[0]), int(usage["input_tokens"]), int(usage["output_tokens"])
