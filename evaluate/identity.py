"""What produced a result: the commit, and a hash of the code itself, which also sees what is not committed."""

from __future__ import annotations

import hashlib
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path

from agents.policy import Policy

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("agents", "configs", "envs", "evaluate", "grid", "llm_layer")  # what a result depends on
# Files of ``evaluate`` that begin so only show results or look for numbers: they may change without a result becoming
# another.
SHOWING = ("ablation", "claims", "figures", "frames", "headroom", "matrix_", "page", "run_", "statistics", "tex")
SEARCHING = ("search", "tune")


@cache
def code_commit() -> str:
    """Commit of the code that runs, marked where files differ from it; the package version outside a checkout."""
    try:
        told = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
            cwd=ROOT, capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return f"version {version('deg-compute-orchestrator')}"
    return told.stdout.strip()


@cache
def code_hash(rooms: tuple[str, ...] = ROOMS) -> str:
    """Sixteen hex digits over the Python files of ``rooms`` that results depend on."""
    digest = hashlib.sha256()
    for room in rooms:
        for path in sorted((ROOT / room).rglob("*.py")):
            if path.parent.name == "evaluate" and path.name.startswith(SHOWING + SEARCHING):
                continue
            digest.update(str(path.relative_to(ROOT)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def policy_hash(policy: Policy) -> str:
    """A trained policy's own hash (of its weights), else one of its name, its numbers and the agents' code."""
    own = getattr(policy, "policy_hash", "")
    numbers = getattr(policy, "rule", None)
    return own or hashlib.sha256(f"{policy.name}/{numbers!r}/{code_hash(('agents',))}".encode()).hexdigest()[:12]
