"""``deg data``: signals fetched from the public services, made up, and described."""

from __future__ import annotations

import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deg.options import AsJson, ConfigFile, Overrides, print_json, print_table

if TYPE_CHECKING:
    from grid.sources.live import Fetched
    from grid.sources.parquet import Origin

app = typer.Typer(help="Signals: fetch real ones, make synthetic ones, describe a file.", no_args_is_help=True)

Out = Annotated[Path, typer.Option("--out", metavar="FILE", help="Parquet to write.")]
SUFFIX = ".parquet"
FIRST_YEAR, LAST_YEAR, USUAL_YEAR = 2015, 2035, 2023  # synthetic years that have their history and outlook
SHOWN_GAPS = 10


@app.command()
def fetch(
    out: Out,
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], metavar="DATE", help="First London day.")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], metavar="DATE", help="Last London day.")],
    overrides: Overrides = None,
    config_file: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Carbon, prices and weather of past days from the public services, as one Parquet.

    Answers are kept as they come: after a stop the same command goes on where it was.
    """
    from configs.load import load_config
    from deg.progress import Reporter
    from evaluate.cases import services_of
    from grid.calendar import london_midnight_utc
    from grid.sources import fetch as fetch_signals
    from grid.sources import parquet

    config = load_config(config_file, overrides or ())
    start, end = first.date(), last.date() + timedelta(days=1)
    if end <= start:
        raise ValueError(f"--to {last.date()} lies before --from {start}; swap them")
    _writable(out)
    try:
        with Reporter("fetching", "call") as reporter:
            found = fetch_signals(services_of(config), london_midnight_utc(start), london_midnight_utc(end), reporter)
    except KeyboardInterrupt:
        print("stopped; answers so far are kept, the same command goes on from there", file=sys.stderr)
        raise typer.Exit(1) from None
    parquet.write(out, found.series, _origin(found))
    _tell(out, found, start, end, as_json)


@app.command()
def synth(
    out: Out,
    years: Annotated[int, typer.Option("--years", metavar="N", help="How many calendar years.")] = 1,
    seed: Annotated[int, typer.Option("--seed", metavar="S", help="Which synthetic Britain.")] = 0,
    randomise: Annotated[
        bool, typer.Option("--randomise", help="Draw levels and volatilities: other years than 2022.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Seeded weather, carbon and prices fitted on 2022, as one Parquet; from 2023 on where that many years fit.

    Beside it lies its description in the Croissant format.
    """
    from deg import croissant
    from deg.progress import Reporter
    from grid.calendar import london_midnight_utc
    from grid.sources import parquet, synthetic

    most = LAST_YEAR - FIRST_YEAR + 1
    if not 1 <= years <= most:
        raise ValueError(f"--years is {years}; give 1 to {most}")
    if seed < 0:
        raise ValueError(f"--seed is {seed}; give 0 or more")
    _writable(out)
    start = min(USUAL_YEAR, LAST_YEAR - years + 1)
    first, end = (london_midnight_utc(date(year, 1, 1)) for year in (start, start + years))
    with Reporter("making years"):
        series = synthetic.signals(first, end, seed, randomise=randomise)
        parquet.write(out, series)
        randomised = " --randomise" if randomise else ""
        about = croissant.write(
            out, series, f"deg data synth --out {out.name} --years {years} --seed {seed}{randomised}"
        )
    if as_json:
        print_json(
            {"file": str(out.resolve()), "rows": len(series.frame), "source": series.source, "croissant": str(about)}
        )
    else:
        print(f"{out}: {len(series.frame):,} rows from {start} to {start + years - 1}, {series.source}")


@app.command()
def describe(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="Parquet of signals, or a folder of signal files.")],
    compare: Annotated[Path | None, typer.Option("--compare", metavar="OTHER", help="Lay this one beside it.")] = None,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="PNG", help="Draw the signals into this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Coverage, gaps, statistics; with --compare another set's beside them."""
    from grid.description import described, opened

    sets = [opened(each) for each in (path, compare) if each is not None]
    found = [described(each) for each in sets]
    if plot is not None:
        from evaluate.signal_figure import draw

        draw(sets, plot)
    if as_json:
        print_json({**found[0], **({"compare": found[1]} if compare else {}), **({"plot": str(plot)} if plot else {})})
        return
    for each in found:
        _print_coverage(each)
    _print_statistics(found)
    if plot is not None:
        print(f"picture: {plot}")


def _writable(out: Path) -> None:
    """Refuse before any work what could not be written after it."""
    if out.suffix != SUFFIX:
        raise ValueError(f"--out {out}: give a name that ends in {SUFFIX}")
    if not out.parent.is_dir():
        raise ValueError(f"--out {out}: no folder {out.parent}; make it first")


def _origin(found: Fetched) -> Origin:
    from grid.sources.parquet import Origin

    heard = {column: time.isoformat() for column, time in found.heard_at.items()}
    return Origin(found.attribution, heard, found.notes)


def _tell(out: Path, found: Fetched, start: date, end: date, as_json: bool) -> None:
    from grid.rows import RUN_IN_DAYS

    runs = start + timedelta(days=RUN_IN_DAYS), end - timedelta(days=2)
    first, last = (day.isoformat() for day in runs)
    if as_json:
        print_json(
            {
                "file": str(out.resolve()),
                "rows": len(found.series.frame),
                "provenance": dict(found.series.provenance),
                "attribution": found.attribution,
                "notes": list(found.notes),
                "first_run_day": first,
                "last_run_day": last,
            }
        )
        return
    print(
        f"{out}: {len(found.series.frame):,} rows; {', '.join(f'{c} {p}' for c, p in found.series.provenance.items())}"
    )
    for words in sorted(set(found.attribution.values())):
        print(f"source: {words}")
    for note in found.notes:
        print(f"note: {note}")
    if runs[0] > runs[1]:
        print(f"too short for a run, which reads the {RUN_IN_DAYS} days before it and the day after it")
    else:
        print(f"runs from {first} to {last} fit: deg run signals.source=file signals.path={out} run.start={first}")


def _print_coverage(found: dict[str, Any]) -> None:
    print(f"{found['file']}: {found['from']} to {found['to']}, {found['rows']:,} rows of {found['step_minutes']:g} min")
    for words in sorted(set(found["attribution"].values())):
        print(f"  source: {words}")
    for note in found["notes"]:
        print(f"  note: {note}")
    for gap in found["gaps"][:SHOWN_GAPS]:
        print(f"  gap: {gap['column']} {gap['first']} to {gap['last']}, {gap['steps']} steps")
    if len(found["gaps"]) > SHOWN_GAPS:
        print(f"  and {len(found['gaps']) - SHOWN_GAPS} gaps more, all in --json")
    if not found["gaps"]:
        print("  no gaps")


def _print_statistics(found: list[dict[str, Any]]) -> None:
    """A row a statistic, a column a signal; of two sets both numbers."""
    from grid.description import STATISTICS

    columns = list(found[0]["statistics"])
    sets = [each["statistics"] for each in found]
    rows = [["provenance", *(_both(found, "provenance", column) for column in columns)]]
    for name in STATISTICS:
        cells = [" | ".join(f"{one[column][name]:,.4g}" for one in sets if column in one) for column in columns]
        rows.append([name, *cells])
    title = "Hourly means" + (f", {found[0]['file']} | {found[1]['file']}" if len(found) > 1 else "")
    print_table(title, ("", *columns), rows)
    both = [f"{each['carbon_price_correlation']:.3f}" for each in found if "carbon_price_correlation" in each]
    if both:
        print(f"correlation of carbon and price: {' | '.join(both)}")


def _both(found: list[dict[str, Any]], key: str, column: str) -> str:
    return " | ".join(each[key][column] for each in found if column in each[key])
