"""A matrix over settings: blocks that are shared, kept, dealt out again, killed and gone on with; other processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from agents.exported import shipped_folders
from configs.load import load_config
from configs.schema import Config
from evaluate.block_store import BlockStore
from evaluate.matrix import COLUMNS, SETTING, own_setting, run_blocks, run_matrix

SMALL = ["wandb.mode=disabled", "evaluate.weeks=2", "evaluate.seeds=1"]


def small(*overrides: str) -> Config:
    return load_config(None, [*SMALL, *overrides])


def kept(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.parquet")}


def same(a: pd.DataFrame, b: pd.DataFrame) -> None:
    """Equal to the last bit; the commit may be another one by now."""
    pd.testing.assert_frame_equal(a.drop(columns="code_commit"), b.drop(columns="code_commit"), check_exact=True)


def test_a_setting_that_changes_nothing_shares_the_blocks_of_the_configuration(tmp_path: Path) -> None:
    variants = "evaluate.variants=[neutral, threshold, threshold+rules]"
    rows = run_matrix(small(variants, "evaluate.axes={supervisor.every_steps: [4, 16]}"), tmp_path)
    assert list(rows.columns) == [*COLUMNS, SETTING]
    assert rows[SETTING].unique().tolist() == ["", "supervisor.every_steps=4", "supervisor.every_steps=16"]
    parts = [part.drop(columns=SETTING).reset_index(drop=True) for _, part in rows.groupby(SETTING, sort=False)]
    same(parts[0], parts[1])
    same(own_setting(rows), parts[0])
    # Three of the configuration; of N = 16 only what a supervisor stands above is another.
    assert len(kept(tmp_path)) == 4
    decided = rows[rows["variant"] == "threshold+rules"].groupby(SETTING)["decisions"].sum()
    assert decided["supervisor.every_steps=16"] < decided["supervisor.every_steps=4"]


def test_the_random_twin_is_dealt_the_orders_of_the_block_that_was_run(tmp_path: Path) -> None:
    blocks = run_blocks(small("evaluate.variants=[neutral, threshold+random]"), tmp_path)
    assert len(kept(tmp_path)) == 3  # the rules are run for their orders, and kept
    before = kept(tmp_path)
    again = run_blocks(small("evaluate.variants=[neutral, threshold+random, threshold+rules]"), tmp_path)
    assert kept(tmp_path) == before
    dealt, ordered = (again.store.orders(again.keys["", f"threshold+{name}", 0][0]) for name in ("random", "rules"))
    assert set(dealt["step"]) != set()
    for position in (0, 1):
        counts = [
            frame[frame["position"] == position]["directive"].str.contains('"load_shift"').sum()
            for frame in (dealt, ordered)
        ]
        assert abs(int(counts[0]) - int(counts[1])) <= 0.2 * counts[1]
    same(blocks.rows(), again.rows().query("variant != 'threshold+rules'").reset_index(drop=True))


def test_sales_add_up_to_the_flexibility_of_their_rows(tmp_path: Path) -> None:
    blocks = run_blocks(small("evaluate.variants=[neutral, neutral+trades, threshold]"), tmp_path)
    rows, sales = blocks.rows(), blocks.sales()
    flex = rows.groupby(["variant", "week_start"])["flex_gbp"].sum()
    sold = sales.groupby(["variant", "week_start"])["flex_gbp"].sum().reindex(flex.index, fill_value=0.0)
    assert sold.to_numpy() == pytest.approx(flex.to_numpy(), abs=1e-6)
    assert sales.groupby("variant")["own"].all().to_dict() == {"neutral+trades": True, "threshold": False}
    taken = rows[rows["variant"] == "threshold"]["events_accepted"].sum()
    assert (sales["variant"] == "threshold").sum() == taken


def test_killed_midway_it_repeats_no_finished_block_and_gives_the_same_numbers(tmp_path: Path) -> None:
    broken, whole = tmp_path / "broken", tmp_path / "whole"
    variants = "evaluate.variants=[neutral, threshold, carbon_threshold, carbon_threshold+rules, threshold+rules]"
    command = [sys.executable, "-m", "deg.cli", "evaluate", "--json", f"run.dir={broken}", *SMALL, variants]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)
    deadline = time.monotonic() + 300.0
    while len(kept(broken / ".cache")) < 2 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = kept(broken / ".cache")
    assert len(before) >= 2
    rows = run_matrix(small(variants), broken / ".cache")
    after = kept(broken / ".cache")
    assert {name: after[name] for name in before} == before
    same(rows, run_matrix(small(variants), whole))


def test_workers_give_the_same_rows(tmp_path: Path) -> None:
    variants = "evaluate.variants=[neutral, threshold+random, threshold+rules]"
    alone, shared = (run_matrix(small(variants, f"evaluate.workers={n}"), tmp_path / str(n)) for n in (0, 1))
    same(alone, shared)
    assert set(alone["variant"]) == {"neutral", "threshold+random", "threshold+rules"}


def test_a_half_written_block_is_none(tmp_path: Path) -> None:
    config = small("evaluate.variants=[neutral, threshold]")
    blocks = run_blocks(config, tmp_path)
    whole = blocks.rows()
    key = blocks.keys["", "threshold", 0][0]
    (tmp_path / f"{key}.parquet").unlink()  # rows come last
    assert key not in BlockStore(tmp_path)
    same(run_matrix(config, tmp_path), whole)
    assert key in BlockStore(tmp_path)


def test_a_checkpoint_is_a_variant_and_one_that_is_not_there_is_refused(tmp_path: Path) -> None:
    shipped = shipped_folders("site")[0]  # the first seed gets what ranks first
    rows = run_matrix(small("evaluate.variants=[neutral, checkpoint, site]", f"agents.checkpoint={shipped}"), tmp_path)
    hashes = rows.groupby("variant")["policy_hash"].first()
    assert hashes["checkpoint"] == hashes["site"]
    with pytest.raises(ValueError, match=r"agents\.checkpoint"):
        run_matrix(small("evaluate.variants=[neutral, checkpoint]"), tmp_path)
    with pytest.raises(ValueError, match="nowhere"):
        run_matrix(small("evaluate.variants=[neutral, checkpoint]", "agents.checkpoint=nowhere"), tmp_path)
