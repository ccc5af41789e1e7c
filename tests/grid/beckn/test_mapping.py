"""Windows, utility events and workloads of others in our own terms."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pandas as pd
import pytest

from grid.beckn.faults import Refused
from grid.beckn.utility import events_of
from grid.beckn.windows import windows_of
from grid.beckn.workload import item_of_offer, offer_of_item, offer_of_resource, resource_of_offer


def test_a_compute_energy_window(published: dict[str, bytes]) -> None:
    message = json.loads(published["rc1/A_compute_energy/1.discover/on_discover-response-1.json"])
    window = windows_of(message)[0]
    assert (window.start, window.end) == (pd.Timestamp("2025-11-17 10:00Z"), pd.Timestamp("2025-11-17 14:00Z"))
    assert (window.capacity_kw, window.carbon_gco2_per_kwh, window.renewable_share) == (5000.0, 120.0, 0.8)
    assert window.price_gbp_per_mwh == pytest.approx(102.0)


def test_a_window_without_a_unit_is_refused(published: dict[str, bytes]) -> None:
    message = json.loads(published["rc1/A_compute_energy/1.discover/on_discover-response-1.json"])
    item = message["message"]["catalogs"][0]["beckn:items"][0]
    del item["beckn:itemAttributes"]["beckn:capacityParameters"]["capacityUnit"]
    with pytest.raises(Refused, match="unit") as refused:
        windows_of(message)
    assert refused.value.code == "SCH_ATTRIBUTE_PACK_INVALID"


def test_a_utility_programme_event_becomes_a_flex_event(published: dict[str, bytes]) -> None:
    (notified,) = events_of(json.loads(published["rc1/B_utility_programme/3.event/1.on_init-event-notification.json"]))
    (settled,) = events_of(json.loads(published["rc1/B_utility_programme/4.settlement/on_status-settlement.json"]))
    assert notified.correlation == settled.correlation
    assert (notified.requested_kw, settled.committed_kw, settled.baseline_kw) == (150.0, 120.0, 400.0)
    assert settled.recomputed_amount == settled.amount == 1680.0
    with pytest.raises(ValueError, match="INR"):
        notified.flex_event()
    event = notified.flex_event(gbp_per_kwh=0.25)
    assert (event.kw, event.price_gbp_per_mwh, event.hours) == (150.0, 250.0, 3.0)
    assert event.start == pd.Timestamp("2025-08-26 08:30Z")


def test_flexibility_as_a_product_has_an_event_per_resource(published: dict[str, bytes]) -> None:
    name = "rc1/C_flex_as_product/3.monitoring/on_status-completed-response.json"
    mall, factory = events_of(json.loads(published[name]))
    assert (mall.delivered_kwh, factory.delivered_kwh) == (1570.0, 2690.0)
    assert mall.intervals[0] == (pd.Timestamp("2025-11-17 18:00Z"), 1180.0)
    assert mall.recomputed_amount == pytest.approx(9420.0)  # the message adds a bonus of its own
    assert mall.flex_event().price_gbp_per_mwh == pytest.approx(6000.0)


def test_the_founding_catalogue_item_survives_both_ways() -> None:
    readme = Path(os.environ.get("DEG_SHARED") or "../shared") / "seed" / "README.md"
    if not readme.is_file():
        pytest.skip(f"no founding README at {readme}; set DEG_SHARED")
    found = re.search(r"```json\n(\{.*?\"ai-training-batch-1\".*?)```", readme.read_text(), re.S)
    assert found
    item = json.loads(found[1])["items"][0]
    offer = offer_of_item(item)
    assert (offer.energy_kwh, offer.mean_kw, offer.deferral.total_seconds()) == (50_000.0, 12_500.0, 12 * 3600)
    assert offer.offered_kw(registered_kw=500.0, queued_kw=320.0) == 320.0
    assert item_of_offer(offer) == item
    assert offer_of_resource(resource_of_offer(offer, 320.0)) == offer


@pytest.mark.parametrize("text", ["50", "MWh", "50 bananas", "-5MWh", "5e3MWh"])
def test_an_energy_without_number_or_unit_is_refused(text: str) -> None:
    item = {
        "id": "batch", "descriptor": {"name": "batch"}, "quantity": {"available": {"count": 1}},
        "time": {"duration": "PT1H", "range": {"start": "2025-11-23T20:00:00Z", "end": "2025-11-24T08:00:00Z"}},
        "tags": [{"descriptor": {"name": "energy_consumption"}, "list": [{"value": text}]},
                 {"descriptor": {"name": "deferral_window"}, "list": [{"value": "12h"}]}],
    }  # fmt: skip
    with pytest.raises(Refused):
        offer_of_item(item)
