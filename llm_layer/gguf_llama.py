"""A llama-type GGUF file as a folder in the Hugging Face form, which vLLM and transformers read.

Sources: the GGUF specification (ggml-org/ggml, docs/gguf.md) for names and metadata; llama.cpp's convert_hf_to_gguf.py
for the permutation of query and key rows, undone here, and for the pre-tokenizer named "smollm".
Quantised weights are expanded; what 4-bit quantisation lost stays lost.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

_TOP = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
_BLOCK = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_CONTROL, _USER_DEFINED = 3, 4  # GGUF token types that are never split


def convert(gguf: Path, folder: Path) -> None:
    """Write config.json, model.safetensors (bfloat16) and the tokenizer with its chat template into ``folder``.

    Raises:
        ValueError: a file of another architecture or pre-tokenizer.
    """
    from gguf import GGUFReader

    reader = GGUFReader(str(gguf))
    facts = {name: field.contents() for name, field in reader.fields.items()}
    kind, splitter = facts.get("general.architecture"), facts.get("tokenizer.ggml.pre")
    if (kind, splitter) != ("llama", "smollm"):
        raise ValueError(f"{gguf}: architecture {kind}, pre-tokenizer {splitter}; this reads llama with smollm")
    tied = _write_weights(reader.tensors, facts, folder)
    _write_config(facts, tied, folder)
    _write_tokenizer(facts, folder)


def _write_weights(tensors: Any, facts: dict[str, Any], folder: Path) -> bool:
    """-> whether the output matrix is the embedding."""
    import torch
    from gguf import dequantize
    from safetensors.torch import save_file

    heads, kv_heads = facts["llama.attention.head_count"], facts["llama.attention.head_count_kv"]
    weights = {}
    for tensor in tensors:
        base = tensor.name.rsplit(".", 1)[0]
        if base == "rope_freqs":
            continue
        values = np.asarray(dequantize(tensor.data, tensor.tensor_type), dtype=np.float32)
        values = values.reshape([int(size) for size in reversed(tensor.shape)])
        if base.endswith(("attn_q", "attn_k")):
            values = _unpermuted(values, heads if base.endswith("q") else kv_heads)
        weights[_name(tensor.name)] = torch.from_numpy(values.copy()).to(torch.bfloat16)
    save_file(weights, str(folder / "model.safetensors"), metadata={"format": "pt"})
    return "lm_head.weight" not in weights


def _name(gguf_name: str) -> str:
    base, suffix = gguf_name.rsplit(".", 1)
    block = re.fullmatch(r"blk\.(\d+)\.(.+)", base)
    return f"model.layers.{block[1]}.{_BLOCK[block[2]]}.{suffix}" if block else f"{_TOP[base]}.{suffix}"


def _unpermuted(rows: np.ndarray, heads: int) -> np.ndarray:
    """GGUF interleaves the two halves of each head that rotary embedding turns; here they stand one after the other."""
    return rows.reshape(heads, rows.shape[0] // heads // 2, 2, -1).swapaxes(1, 2).reshape(rows.shape)


def _write_config(facts: dict[str, Any], tied: bool, folder: Path) -> None:
    from transformers import __version__ as transformers_version

    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": facts["llama.embedding_length"],
        "intermediate_size": facts["llama.feed_forward_length"],
        "num_hidden_layers": facts["llama.block_count"],
        "num_attention_heads": facts["llama.attention.head_count"],
        "num_key_value_heads": facts["llama.attention.head_count_kv"],
        "head_dim": facts["llama.rope.dimension_count"],
        "max_position_embeddings": facts["llama.context_length"],
        "rms_norm_eps": round(float(facts["llama.attention.layer_norm_rms_epsilon"]), 9),
        "rope_theta": float(facts["llama.rope.freq_base"]),
        "vocab_size": facts["llama.vocab_size"],
        "hidden_act": "silu",
        "tie_word_embeddings": tied,
        "torch_dtype": "bfloat16",
        "bos_token_id": facts["tokenizer.ggml.bos_token_id"],
        "eos_token_id": facts["tokenizer.ggml.eos_token_id"],
        # Without it transformers takes the tokenizer for one with a known fault and warns.
        "transformers_version": transformers_version,
    }
    _write_json(folder / "config.json", config)


def _write_tokenizer(facts: dict[str, Any], folder: Path) -> None:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    tokens = facts["tokenizer.ggml.tokens"]
    merges = [tuple(merge.split(" ", 1)) for merge in facts["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE({token: number for number, token in enumerate(tokens)}, merges))
    # "smollm": every digit by itself, then GPT-2's byte-level splitting.
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    types = facts["tokenizer.ggml.token_type"]
    whole = [token for token, kind in zip(tokens, types, strict=True) if kind in (_CONTROL, _USER_DEFINED)]
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in whole])
    tokenizer.save(str(folder / "tokenizer.json"))
    end = tokens[facts["tokenizer.ggml.eos_token_id"]]
    _write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": tokens[facts["tokenizer.ggml.bos_token_id"]],
            "eos_token": end,
            "pad_token": end,
            "unk_token": tokens[facts["tokenizer.ggml.unknown_token_id"]],
            "model_max_length": facts["llama.context_length"],
            "clean_up_tokenization_spaces": False,
            "chat_template": facts["tokenizer.chat_template"],
        },
    )


def _write_json(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
