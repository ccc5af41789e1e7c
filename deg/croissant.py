"""Croissant 1.0 metadata (MLCommons, http://mlcommons.org/croissant/1.0) of a synthetic data set, written beside it."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

from grid.series import GridSeries

SUFFIX = ".croissant.json"
FILE, RECORDS, TIME = "signals.parquet", "quarter_hours", "time_utc"
MEANINGS = {
    "dry_bulb_degc": "Dry-bulb temperature in London, degC",
    "wet_bulb_degc": "Wet-bulb temperature in London, degC",
    "carbon_gco2_per_kwh": "Average direct carbon intensity of the British grid, gCO2eq/kWh",
    "day_ahead_gbp_per_mwh": "Day-ahead price of a delivered MWh, GBP/MWh",
}
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
LIMITS = (
    "Drawn from a model fitted to Great Britain 2022 (February to December); no hour of it happened. Tails beyond that "
    "year and anything that a statistical model of four signals does not hold are absent. Not for quoting prices."
)


def write(path: Path, series: GridSeries, command: str) -> Path:
    """Describe the Parquet at ``path``; -> the metadata file, named like it with ``SUFFIX``."""
    target = path.with_name(path.stem + SUFFIX)
    target.write_text(
        json.dumps(described(path, series, command), indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    return target


def described(path: Path, series: GridSeries, command: str) -> dict[str, Any]:
    """The metadata as JSON-LD. command: what makes the same file again."""
    first, last = series.frame.index[0], series.frame.index[-1]
    content = path.read_bytes()
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": path.stem,
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "description": (
            f"Signals of Great Britain for a data-centre site, 15-min rows from {first:%Y-%m-%d} to {last:%Y-%m-%d}: "
            f"{series.source}. Made by `{command}`. {LIMITS}"
        ),
        "license": "https://spdx.org/licenses/MIT.html",
        "url": path.name,
        "version": metadata.version("deg-compute-orchestrator"),
        "datePublished": date.today().isoformat(),
        "creator": {"@type": "Organization", "name": "Team ThermoTrace"},
        "citeAs": "DEG Compute Orchestrator, synthetic signals of Great Britain",
        "isLiveDataset": False,
        "rai:dataCollection": LIMITS,
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": FILE,
                "name": FILE,
                "contentUrl": path.name,
                "encodingFormat": "application/x-parquet",
                "contentSize": f"{len(content)} B",
                "sha256": hashlib.sha256(content).hexdigest(),
            }
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": RECORDS,
                "name": RECORDS,
                "description": "A row each quarter of an hour; a time marks the start of its row.",
                "key": {"@id": f"{RECORDS}/{TIME}"},
                "field": [
                    _field(TIME, "Start of the row, UTC", "sc:DateTime"),
                    *(
                        _field(name, f"{MEANINGS[name]}; {series.provenance[name]}", "sc:Float")
                        for name in map(str, series.frame)
                    ),
                ],
            }
        ],
    }


def _field(name: str, meaning: str, kind: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"{RECORDS}/{name}",
        "name": name,
        "description": meaning,
        "dataType": kind,
        "source": {"fileObject": {"@id": FILE}, "extract": {"column": name}},
    }
