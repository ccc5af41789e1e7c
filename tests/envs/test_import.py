"""The room is light to import and its kernels never outlive an edit."""

import os
import subprocess
import sys
import time

from envs import numba_cache


def test_importing_envs_pulls_in_no_training_or_drawing():
    code = (
        "import envs, envs.batch, sys;"
        "print(sorted({'torch', 'ray', 'matplotlib', 'vllm', 'agents', 'llm_layer', 'evaluate', 'train', 'deg'}"
        " & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_cache_indices_older_than_a_source_are_dropped(tmp_path):
    (tmp_path / "envs" / "__pycache__").mkdir(parents=True)
    source = tmp_path / "envs" / "battery.py"
    index = tmp_path / "envs" / "__pycache__" / "kernel.step_batch-1.py311.nbi"
    source.write_text("")
    index.write_text("")
    now = time.time()
    os.utime(source, (now - 10, now - 10))
    numba_cache.drop_stale(tmp_path / "envs")
    assert index.exists()
    os.utime(source, (now + 10, now + 10))
    numba_cache.drop_stale(tmp_path / "envs")
    assert not index.exists()
