"""vLLM on this machine, in a process of its own that ends with this one.

The engine sits in a child process (``llm_layer.vllm_host``) because only a process can be stopped in the middle of a
computation, and because one that is killed, runs out of memory or hangs must not take the run with it. When it is lost,
the next decision starts it again and waits for it no longer than one decision may take; later ones only look whether it
is there yet.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from llm_layer.engine import MAX_TOKENS, Answer, EngineError, EngineFailure, Rest, one_line
from llm_layer.model_folder import ModelFolder
from llm_layer.prompt import Prompt, build_prompt
from llm_layer.sample import SAMPLE

LONGEST_START_S = 900.0  # of the first start: an 8 B model from a cold disk takes minutes
MAX_MODEL_LEN = 2048
STOP_S = 10.0


class VllmEngine:
    """One model on one vLLM engine.

    Args:
        timeout_s: longest a batch of decisions may take, restarts included.
        memory_share: of a GPU's memory; has no meaning on a CPU.
        prefix_caching: read a beginning that prompts share only once.

    cpu_s: processor seconds that its process has spent on answers so far, that of lost ones left out.

    Raises:
        EngineError: vLLM is not installed, or the model does not start.
    """

    def __init__(
        self, model: ModelFolder, *, timeout_s: float, memory_share: float = 0.9, prefix_caching: bool = True
    ) -> None:
        if importlib.util.find_spec("vllm") is None:
            raise EngineError("supervisor.backend vllm: vLLM is not installed; run `make install-llm`")
        self.model_id = id_of(model)
        self.cpu_s = 0.0
        self._model, self._timeout_s = model, timeout_s
        self._settings = {"gpu_memory_utilization": memory_share, "enable_prefix_caching": prefix_caching}
        self._host: _Host | None = None
        self._rest = Rest()
        self._start()
        assert self._host is not None
        try:
            self._host.wait_ready(time.monotonic() + LONGEST_START_S)
        except (_HostLost, TimeoutError) as error:
            self.close()
            raise EngineError(f"supervisor.model {model.name}: vLLM does not start: {error}") from None
        except BaseException:  # Ctrl-C while it loads
            self.close()
            raise

    @property
    def pid(self) -> int | None:
        """Process that holds the engine; None while there is none."""
        return None if self._host is None else self._host.process.pid

    def generate(self, prompts: Sequence[Prompt]) -> list[Answer | EngineFailure]:
        if self._rest.left_s > 0.0:
            return self._rest.failures(len(prompts))
        start = time.monotonic()
        answers = self._generate(prompts, start)
        busy_s = (time.monotonic() - start) / max(1, len(prompts))
        return [replace(answer, busy_s=busy_s) for answer in answers]

    def _generate(self, prompts: Sequence[Prompt], start: float) -> list[Answer | EngineFailure]:
        deadline = start + self._timeout_s
        try:
            if self._host is None:
                self._start()
            assert self._host is not None
            self._host.wait_ready(start if self._host.late else deadline)
            found, cpu_s = self._host.ask([_wire(prompt) for prompt in prompts], deadline)
        except TimeoutError:
            assert self._host is not None
            if self._host.loading:
                self._host.late = True
                return [EngineFailure("the engine is still starting") for _ in prompts]
            return self._lost(f"no answer within {self._timeout_s:g} s", len(prompts))
        except _HostLost as error:
            return self._lost(str(error), len(prompts))
        self._rest.succeeded()
        self.cpu_s += cpu_s
        latency_s = time.monotonic() - start
        return [Answer(latency_s=latency_s, **answer) for answer in found]

    def close(self) -> None:
        if self._host is not None:
            self._host.stop()
            self._host = None

    def _start(self) -> None:
        context = min(MAX_MODEL_LEN, self._model.context_tokens)
        trial = [_wire(build_prompt(SAMPLE)), _wire(build_prompt(SAMPLE, show_proposals=True))]
        settings = {
            "model": str(self._model.path.resolve()),
            "max_model_len": context,
            "max_tokens": MAX_TOKENS,
            "trial": trial,
            "engine": self._settings,
        }
        self._host = _Host(settings)

    def _lost(self, error: str, count: int) -> list[Answer | EngineFailure]:
        """End what is left of it; the next decision starts a new one."""
        if self._host is not None:
            self._host.kill()
            self._host = None
        self._rest.failed()
        return [EngineFailure(error) for _ in range(count)]


def id_of(model: ModelFolder) -> str:
    """The folder's own name, since audit bodies hold no paths, and the revision that says what is in it."""
    return f"vllm:{model.path.resolve().name}@{model.revision}"


class _HostLost(Exception):
    """The engine's process has ended or failed; the message says why."""


class _Host:
    """The child process and the pipes to it.

    loading: the model is not there yet. late: a decision has waited for it in vain.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self.loading, self.late = True, False
        self._asked = 0
        self._unread = b""
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        root = str(Path(__file__).resolve().parent.parent)
        paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "llm_layer.vllm_host", str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**_without_keys(os.environ), "PYTHONPATH": os.pathsep.join(paths)},
            # A group of its own: Ctrl-C is for the run, and whatever the engine starts can be ended with it.
            start_new_session=True,
        )
        os.set_blocking(self._stdin, False)
        self._send(settings, time.monotonic() + STOP_S)

    @property
    def _stdin(self) -> int:
        assert self.process.stdin is not None
        return self.process.stdin.fileno()

    @property
    def _stdout(self) -> int:
        assert self.process.stdout is not None
        return self.process.stdout.fileno()

    def wait_ready(self, deadline: float) -> None:
        """Raises TimeoutError, or _HostLost where the model could not be loaded."""
        if self.loading:
            reply = self._read(deadline)
            if "failed" in reply:
                raise _HostLost(one_line(str(reply["failed"])))
            self.loading = False

    def ask(self, prompts: list[dict[str, Any]], deadline: float) -> tuple[list[dict[str, Any]], float]:
        """-> answers, and the processor seconds they took."""
        self._asked += 1
        self._send({"id": self._asked, "prompts": prompts}, deadline)
        reply = self._read(deadline)
        if "failed" in reply:
            raise _HostLost(one_line(str(reply["failed"])))
        return reply["answers"], float(reply["cpu_s"])

    def stop(self) -> None:
        """Let it end by itself, for a while."""
        with contextlib.suppress(_HostLost, TimeoutError, subprocess.TimeoutExpired):
            if not self.loading:
                self._send({"stop": True}, time.monotonic() + STOP_S)
                self.process.wait(STOP_S)
        self.kill()

    def kill(self) -> None:
        """End the whole group at once; helpers of the engine would outlive it otherwise."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self._errors):
            with contextlib.suppress(OSError):
                pipe.close()  # type: ignore[union-attr]

    def _send(self, message: dict[str, Any], deadline: float) -> None:
        unsent = (json.dumps(message) + "\n").encode()
        while unsent:
            self._wait(self._stdin, selectors.EVENT_WRITE, deadline)
            try:
                unsent = unsent[os.write(self._stdin, unsent) :]
            except BrokenPipeError:
                raise self._gone() from None

    def _read(self, deadline: float) -> dict[str, Any]:
        while b"\n" not in self._unread:
            self._wait(self._stdout, selectors.EVENT_READ, deadline)
            some = os.read(self._stdout, 1 << 16)
            if not some:
                raise self._gone()
            self._unread += some
        line, _, self._unread = self._unread.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    @staticmethod
    def _wait(file: int, event: int, deadline: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(file, event)
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise TimeoutError("no answer in time")

    def _gone(self) -> _HostLost:
        """How it ended, and the last thing it said."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_S)
        code = self.process.returncode
        if code is not None and code < 0:
            return _HostLost(f"the engine's process was ended by {signal.Signals(-code).name}")
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace").strip().splitlines() or ["it said nothing"]
        return _HostLost(one_line(f"the engine's process ended with code {code}: {said[-1]}"))


def _wire(prompt: Prompt) -> dict[str, Any]:
    return {"messages": prompt.messages, "schema": prompt.schema}


def _without_keys(environment: os._Environ[str]) -> dict[str, str]:
    """A local engine has no use for the keys of hosted ones."""
    return {name: value for name, value in environment.items() if not name.endswith("_API_KEY")}
