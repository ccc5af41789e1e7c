"""LTS 2.0 messages: the shapes of tag ``core-v2.0.0-lts``, written out as strict models.

Tests hold them against the published schema, message by message and mutation by mutation; the schema itself is not
part of this package (its licence is CC BY-NC-SA).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from grid.beckn.base import ABSENT, Attributes, Closed, DateTime, Number, Open, Uri, Uuid, Whole
from grid.beckn.lts_parts import (
    Catalog,
    Consideration,
    Descriptor,
    Geometry,
    Offer,
    Resource,
)  # fmt: skip

Status = Literal["DRAFT", "ACTIVE", "CANCELLED", "COMPLETE"]


class ContractStatus(Descriptor):
    code: Status = ABSENT


class CommitmentDescriptor(Descriptor):
    code: Literal["DRAFT", "ACTIVE", "CLOSED"] = ABSENT


class CommitmentStatus(Open):
    descriptor: CommitmentDescriptor = ABSENT


class CommittedResource(Resource):
    quantity: Any


class CommittedOffer(Offer):
    resource_ids: list[str]


class Commitment(Open):
    id: str = ABSENT
    status: CommitmentStatus
    resources: list[CommittedResource]
    offer: CommittedOffer
    commitment_attributes: Attributes = ABSENT


class Participant(Open):
    id: str = ABSENT
    descriptor: Descriptor = ABSENT
    participant_attributes: Attributes = ABSENT


class Performance(Closed):
    id: str = ABSENT
    status: Descriptor = ABSENT
    commitment_ids: list[str] = ABSENT
    performance_attributes: Attributes = ABSENT


class Settlement(Open):
    id: str = ABSENT
    consideration_id: str = ABSENT
    status: Literal["DRAFT", "COMMITTED", "COMPLETE"] = ABSENT
    settlement_attributes: Attributes = ABSENT


class Contract(Closed):
    id: Uuid = ABSENT
    descriptor: Descriptor = ABSENT
    commitments: Annotated[list[Commitment], Field(min_length=1)]
    consideration: list[Consideration] = ABSENT
    participants: list[Participant] = ABSENT
    performance: list[Performance] = ABSENT
    settlements: list[Settlement] = ABSENT
    status: ContractStatus = ABSENT
    contract_attributes: Attributes = ABSENT


class NamedContract(Contract):
    id: Uuid


class Filters(Open):
    type: Literal["jsonpath"]
    expression: str


class Spatial(Closed):
    op: Literal[
        "S_WITHIN", "S_CONTAINS", "S_INTERSECTS", "S_DISJOINT", "S_OVERLAPS", "S_CROSSES", "S_TOUCHES", "S_EQUALS",
        "S_DWITHIN",
    ]  # fmt: skip
    targets: str | list[str]
    geometry: Geometry = ABSENT
    distance_meters: Annotated[Number, Field(ge=0)] = ABSENT
    quantifier: Literal["ANY", "ALL", "NONE"] = ABSENT
    srid: str = ABSENT


class MediaInput(Closed):
    id: str = ABSENT
    type: Literal["image", "audio", "video"]
    url: Uri
    content_type: str = ABSENT
    text_hint: str = ABSENT
    language: str = ABSENT
    start_ms: Whole = ABSENT
    end_ms: Whole = ABSENT


class MediaSearchOptions(Closed):
    goals: list[
        Literal[
            "visual-similarity",
            "visual-object-detect",
            "text-from-image",
            "text-from-audio",
            "semantic-audio-match",
            "semantic-video-match",
        ]
    ] = ABSENT
    augment_text_search: bool = Field(default=ABSENT, alias="augment_text_search")
    restrict_results_to_media_proximity: bool = Field(default=ABSENT, alias="restrict_results_to_media_proximity")


class MediaSearch(Closed):
    media: list[MediaInput] = ABSENT
    options: MediaSearchOptions = ABSENT


class Intent(Closed):
    text_search: str = ABSENT
    filters: Filters = ABSENT
    spatial: list[Spatial] = ABSENT
    media_search: MediaSearch = ABSENT


class DiscoverMessage(Closed):
    intent: Intent
    text_search: str = ABSENT
    legacy_text_search: str = Field(default=ABSENT, alias="text_search")


class CatalogsMessage(Closed):
    catalogs: list[Catalog]


class PublishMessage(Open):
    catalogs: Annotated[list[Catalog], Field(min_length=1)]


class WireError(Open):
    error_code: str = ABSENT
    error_message: str = ABSENT


class Counts(Open):
    item_count: Whole = ABSENT
    provider_count: Whole = ABSENT
    category_count: Whole = ABSENT


class ProcessingResult(Open):
    catalog_id: str
    status: Literal["ACCEPTED", "REJECTED", "PARTIAL"]
    errors: list[WireError] = ABSENT
    stats: Counts = ABSENT


class ResultsMessage(Open):
    results: list[ProcessingResult]


class ContractMessage(Closed):
    contract: Contract


class OpenContractMessage(Open):
    contract: Contract


class NamedContractMessage(Open):
    contract: NamedContract


class FormSubmission(Closed):
    id: Uri = ABSENT
    submission_id: Uuid = ABSENT
    data: dict[str, str]
    submitted_at: DateTime = ABSENT


class RatingTarget(Open):
    id: str = ABSENT
    descriptor: Descriptor = ABSENT
    target_attributes: Attributes = ABSENT


class Rating(Closed):
    target: RatingTarget
    range: dict[str, Any]
    feedback_form_submission: FormSubmission = ABSENT


class RateMessage(Closed):
    rating_inputs: list[Rating]


class OnRateMessage(Closed):
    ratings: list[Rating]


class Support(Closed):
    order_id: str = ABSENT
    descriptor: Descriptor = ABSENT
    channels: Annotated[list[Attributes], Field(min_length=1)] = ABSENT


class SupportMessage(Closed):
    support: Support


MESSAGES: dict[str, type[Closed]] = {
    "discover": DiscoverMessage,
    "on_discover": CatalogsMessage,
    "select": ContractMessage,
    "on_select": ContractMessage,
    "init": ContractMessage,
    "on_init": ContractMessage,
    "confirm": OpenContractMessage,
    "on_confirm": ContractMessage,
    "status": NamedContractMessage,
    "on_status": ContractMessage,
    "update": ContractMessage,
    "on_update": ContractMessage,
    "cancel": NamedContractMessage,
    "on_cancel": ContractMessage,
    "rate": RateMessage,
    "on_rate": OnRateMessage,
    "support": SupportMessage,
    "on_support": SupportMessage,
    "catalog/publish": PublishMessage,
    "catalog/on_publish": ResultsMessage,
}
ALIASES = {"catalog_publish": "catalog/publish", "on_catalog_publish": "catalog/on_publish"}
