"""The process that holds a vLLM engine: ``python -m llm_layer.vllm_host PARENT_PID``, run by ``llm_layer.engine_vllm``.

JSON lines: standard input brings first the engine's settings, then requests; replies go to what was standard output
(libraries that print there print to standard error). It never outlives its parent, however that dies: the kernel kills
it (PR_SET_PDEATHSIG), and where that does not reach, the end of standard input makes it kill its own process group.
"""

from __future__ import annotations

import ctypes
import json
import os
import queue
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, TextIO

PR_SET_PDEATHSIG = 1
# One thread: on shared machines more of them spin on each other's barriers. Offline: a model folder is complete.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_CPU_KVCACHE_SPACE": "1",  # GiB
    "VLLM_LOGGING_LEVEL": "WARNING",
    "VLLM_NO_USAGE_STATS": "1",
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
CPU_BLOCK_TOKENS = 32
MAX_SITES = 64  # decided at once; more wait inside the engine


def main() -> None:
    _die_with_parent(int(sys.argv[1]))
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    # The engine core runs in this very process: one process to watch, one to end.
    os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    serve(requests, replies)
    # The engine is shut down; the interpreter's own end waits on threads and libraries for seconds.
    os._exit(0)


def serve(requests: queue.SimpleQueue[dict[str, Any]], replies: TextIO) -> None:
    """Load the model, then answer requests until one says stop."""
    try:
        engine = _Engine(requests.get())
    except Exception as error:  # whatever it is, the parent has to be able to say it
        _reply(replies, {"failed": _reason(error)})
        return
    _reply(replies, {"ready": True})
    while not (request := requests.get()).get("stop"):
        try:
            start = time.process_time()
            answers = engine.answers(request["prompts"])
            _reply(replies, {"id": request["id"], "answers": answers, "cpu_s": time.process_time() - start})
        except Exception as error:  # an engine that failed once may be broken: the parent starts another
            _reply(replies, {"id": request["id"], "failed": _reason(error)})
    engine.close()


class _Engine:
    """settings: model (folder), max_model_len, max_tokens, trial (prompts that have to work), engine (vLLM's own)."""

    def __init__(self, settings: dict[str, Any]) -> None:
        import torch
        from vllm import LLM

        on_cpu = not torch.cuda.is_available()
        self._llm = LLM(
            settings["model"],
            max_model_len=settings["max_model_len"],
            max_num_seqs=MAX_SITES,
            enforce_eager=on_cpu,
            # Only whole blocks of a prompt's beginning are read once. vLLM takes 128 tokens on a CPU: longer than the
            # static part of the short form, which would then be read every time.
            block_size=CPU_BLOCK_TOKENS if on_cpu else None,
            **settings["engine"],
            # Free white space in the grammar makes small models write blank lines to the end of their tokens. The
            # flag of a single request does nothing.
            structured_outputs_config={"backend": "xgrammar", "disable_any_whitespace": True},
            disable_log_stats=True,
            seed=0,
        )
        self._max_tokens = settings["max_tokens"]
        try:
            self.answers(settings["trial"])
        except Exception as error:  # the model is there: what fails is the template, the schema or the length
            raise RuntimeError(f"it loads but cannot answer a trial prompt ({_reason(error)})") from error

    def close(self) -> None:
        self._llm.llm_engine.engine_core.shutdown()

    def answers(self, prompts: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """text, tokens_in, tokens_out of each prompt (messages, schema), decided as one batch."""
        from vllm import SamplingParams
        from vllm.sampling_params import StructuredOutputsParams

        sampling = [
            SamplingParams(
                temperature=0.0,
                max_tokens=self._max_tokens,
                structured_outputs=StructuredOutputsParams(json=prompt["schema"]),
            )
            for prompt in prompts
        ]
        outputs = self._llm.chat(
            [prompt["messages"] for prompt in prompts],
            sampling,
            use_tqdm=False,
            # Templates of models that would think aloud first read this; others ignore it.
            chat_template_kwargs={"enable_thinking": False},
        )
        return [
            {
                "text": output.outputs[0].text,
                "tokens_in": len(output.prompt_token_ids or ()),
                "tokens_out": len(output.outputs[0].token_ids),
            }
            for output in outputs
        ]


def _die_with_parent(parent: int) -> None:
    """Ask the kernel (Linux) to kill this process when its parent's thread ends; it may have ended already."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _listen(requests: queue.SimpleQueue[dict[str, Any]]) -> None:
    """Hand over requests; at the end of input the parent is gone, and so is this process group."""
    with open(0, "rb", closefd=False) as lines:
        for line in lines:
            requests.put(json.loads(line))
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _reply(replies: TextIO, message: dict[str, Any]) -> None:
    replies.write(json.dumps(message) + "\n")
    replies.flush()


def _reason(error: Exception) -> str:
    """The first line of what went wrong; vLLM's own errors hold many."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"


if __name__ == "__main__":
    # vLLM may start helpers by importing this module again.
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    main()
