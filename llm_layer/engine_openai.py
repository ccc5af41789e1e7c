"""Servers that speak OpenAI's chat completions: ``vllm serve`` and its kin, or OpenAI itself."""

from __future__ import annotations

from typing import Any

from llm_layer.engine import MAX_TOKENS
from llm_layer.prompt import Prompt

HOSTED = "https://api.openai.com/v1"


class OpenAI:
    """base_url: up to and with ``/v1``; None: OpenAI's own, which knows a little less JSON schema and needs a key."""

    key_name = "OPENAI_API_KEY"

    def __init__(self, model: str, base_url: str | None) -> None:
        self.model = model
        self.needs_key = self._hosted = base_url is None
        root = (base_url or HOSTED).rstrip("/")
        self.url, self.models_url = f"{root}/chat/completions", f"{root}/models"

    def headers(self, key: str) -> dict[str, str]:
        return {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})

    def body(self, prompt: Prompt) -> dict[str, Any]:
        schema = _without_lengths(prompt.schema) if self._hosted else prompt.schema
        return {
            "model": self.model,
            "messages": prompt.messages,
            "temperature": 0,
            "max_completion_tokens" if self._hosted else "max_tokens": MAX_TOKENS,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "directive", "schema": schema, "strict": True},
            },
        }

    def read(self, reply: Any) -> tuple[str, int, int]:
        choice, usage = reply["choices"][0], reply.get("usage") or {}
        text = choice["message"]["content"]
        if not isinstance(text, str):
            raise ValueError(choice["message"].get("refusal") or "no content")
        return text, int(usage.get("prompt_tokens", 0)), int(usage.get("completion_tokens", 0))


def _without_lengths(schema: Any) -> Any:
    """OpenAI's strict mode refuses ``maxLength``; the answer is held to it afterwards all the same."""
    if isinstance(schema, dict):
        return {name: _without_lengths(value) for name, value in schema.items() if name != "maxLength"}
    return schema
