"""The claims as one page, a LaTeX table and a JSON of every number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import yaml

from configs.schema import Config
from evaluate import claims
from evaluate.ablation_report import plain
from evaluate.ablation_words import shares
from evaluate.claims import Claims
from evaluate.claims_words import of_tonnes, reading, sentences
from evaluate.matrix_run import MatrixReport, MatrixRun, identity, shared_context
from evaluate.page import render_page
from evaluate.run_report import PROVENANCE_MEANINGS
from evaluate.statistics import Interval
from evaluate.tex import booktabs


def make(
    config: Config,
    rows: Mapping[str, pd.DataFrame],
    sales: pd.DataFrame,
    provenance: Mapping[str, str],
    failures: Sequence[str] = (),
) -> MatrixReport:
    """The report of ``evaluate.claims.run_claims``. Raises ValueError: see ``evaluate.claims.claims``."""
    result = claims.claims(config, rows, sales)
    run = MatrixRun(config, pd.concat(list(rows.values()), ignore_index=True), provenance, failures=failures)
    verdicts = sentences(result)
    context = {
        **shared_context(run),
        "result": result,
        "verdicts": verdicts,
        "groups": [
            (market.words, [bill for bill in result.bills if bill.market == market])
            for market in claims.MARKETS
            if market.name in rows
        ],
        "bill_range": claims.BILL_SHARE,
        "reading": lambda interval: reading(interval, *claims.BILL_SHARE),
        "site_gbp": claims.SITE_GBP_A_YEAR,
        "site_saves": claims.SITE_SAVES_GBP,
        "tonnes": claims.TONNES,
        "of_tonnes": of_tonnes,
        "shares": shares,
        "provenance_meanings": PROVENANCE_MEANINGS,
        "config_text": yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True),
    }
    numbers = {"identity": identity(run), "failures": list(failures), "sentences": verdicts, **plain(result)}
    page = render_page("claims_report.html.j2", context)
    tables = {"claims.tex": _table(result)}
    return MatrixReport(page, numbers, tables, _headline(result), list(verdicts.values()), failures)


def _headline(result: Claims) -> list[dict[str, Any]]:
    rows = []
    for bill in result.bills:
        row: dict[str, Any] = {"market": bill.market.name, "variant": bill.variant}
        for key in ("bill", "net", "net_real", "carbon"):
            interval: Interval = getattr(bill, key)
            for end, value in zip(("", "_low", "_high"), (interval.estimate, interval.low, interval.high), strict=True):
                row[f"{key}{end}_percent"] = 100.0 * value
        rows.append(row)
    return rows


def _table(result: Claims) -> str:
    about = f"{result.weeks} weeks, {result.seeds} {'seed' if result.seeds == 1 else 'seeds'}; 95 % intervals"
    rows = [
        [
            bill.market.words,
            bill.variant,
            shares(bill.bill),
            shares(bill.net),
            shares(bill.net_real),
            shares(bill.carbon),
        ]
        for bill in result.bills
    ]
    heads = ["market", "variant", "bill", "less flexibility", "without phantom", "carbon"]
    return booktabs(f"Shares saved of the neutral site's bill and carbon. {about}.", "tab:claims", heads, rows)
