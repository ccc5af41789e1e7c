"""LTS 2.0 messages: the shapes of tag ``core-v2.0.0-lts``, written out as strict models.

Tests hold them against the published schema, message by message and mutation by mutation; the schema itself is not
part of this package (its licence is CC BY-NC-SA).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError, field_validator, model_validator

from grid.beckn.base import ABSENT, Attributes, ClockTime, Closed, DateTime, Number, Open, Uri, Uuid, Whole, other

Status = Literal["DRAFT", "ACTIVE", "CANCELLED", "COMPLETE"]


class RequestDigest(Open):
    digest: str = Field(pattern=r"^BLAKE-512=[A-Za-z0-9+/]+=*$")


class Code(Open):
    code: str = ABSENT


class Place(Open):
    city: Code = ABSENT
    country: Code = ABSENT


class Context(Open):
    """Who, what, when. Which fields have to be there is decided in ``grid.beckn.context``: the schema asks for none."""

    domain: str = ABSENT
    location: Place = ABSENT
    action: str = ABSENT
    version: Literal["2.0.0"] = ABSENT
    bap_id: str = ABSENT
    bap_uri: Uri = ABSENT
    bpp_id: str = ABSENT
    bpp_uri: Uri = ABSENT
    transaction_id: Uuid = ABSENT
    message_id: Uuid = ABSENT
    network_id: str = ABSENT
    timestamp: DateTime = ABSENT
    key: str = ABSENT
    ttl: str = ABSENT
    schema_context: list[Uri] = ABSENT
    request_digest: RequestDigest = ABSENT


class Checksum(Open):
    checksum: str = ABSENT
    checksum_algorithm: Literal["SHA256", "SHA512", "OTHER"] = ABSENT
    signature: str = ABSENT
    signature_algorithm: str = ABSENT
    key_id: str = ABSENT


class Document(Closed):
    label: str
    mime_type: str
    standard: str = ABSENT
    url: Uri
    security: Checksum = ABSENT


class MediaFile(Closed):
    label: str = ABSENT
    mime_type: str = ABSENT
    uri: Uri = ABSENT


class Descriptor(Closed):
    code: str = ABSENT
    long_desc: str = ABSENT
    short_desc: str = ABSENT
    name: str = ABSENT
    thumbnail_image: Uri = ABSENT
    docs: list[Document] = ABSENT
    media_file: list[MediaFile] = ABSENT


class TimePeriod(Closed):
    start_date: DateTime = ABSENT
    end_date: DateTime = ABSENT
    start_time: ClockTime = ABSENT
    end_time: ClockTime = ABSENT

    @model_validator(mode="after")
    def _bounded(self) -> TimePeriod:
        given = self.model_fields_set
        if not ({"start_date", "end_date"} & given or {"start_time", "end_time"} <= given):
            raise other("a period has a startDate, an endDate, or both a startTime and an endTime")
        return self


class Geometry(Open):
    type: Literal[
        "Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection"
    ]
    bbox: Annotated[list[Number], Field(min_length=4, max_length=4)] = ABSENT
    coordinates: list[Any] = ABSENT
    geometries: list[Geometry] = ABSENT


class Address(Closed):
    address_country: str = ABSENT
    address_locality: str = ABSENT
    address_region: str = ABSENT
    extended_address: str = ABSENT
    postal_code: str = ABSENT
    street_address: str = ABSENT


class Location(Closed):
    geo: Geometry
    address: Address = ABSENT


class Provider(Closed):
    id: str
    descriptor: Descriptor
    available_at: list[Location] = ABSENT
    provider_attributes: Attributes = ABSENT


class Consideration(Open):
    id: str
    status: Descriptor
    consideration_attributes: Attributes = ABSENT


class Resource(Open):
    id: str
    descriptor: Descriptor = ABSENT
    resource_attributes: Attributes = ABSENT


class Audience(Open):
    type: Literal["NETWORK", "PARTICIPANT", "ROLE"]
    id: str


class Offer(Open):
    id: str
    descriptor: Descriptor = ABSENT
    provider: Provider = ABSENT
    resource_ids: list[str] = ABSENT
    add_ons: list[Any] = ABSENT
    considerations: list[Consideration] = ABSENT
    validity: TimePeriod = ABSENT
    available_to: list[Audience] = ABSENT
    offer_attributes: Attributes = ABSENT

    @field_validator("add_ons")
    @classmethod
    def _one_kind(cls, items: list[Any]) -> list[Any]:
        for item in items:
            if sum(_fits(kind, item) for kind in (Resource, Offer)) != 1:
                raise other("an add-on has to be a resource or an offer, not both")
        return items


def _fits(kind: type[Open], value: Any) -> bool:
    try:
        kind.model_validate(value)
    except ValidationError:
        return False
    return True


class MasterResource(Closed):
    master_resource_id: str = ABSENT


class ResourceDirective(Closed):
    resource_id: str
    extends: MasterResource


class PublishDirectives(Closed):
    catalog_type: Literal["master", "regular"]
    update_mode: Literal["FULL", "MERGE"] = ABSENT
    resource_directives: list[ResourceDirective] = ABSENT


class Catalog(Closed):
    id: str
    descriptor: Descriptor
    provider: Provider
    bpp_id: str = ABSENT
    bpp_uri: Uri = ABSENT
    publish_directives: PublishDirectives = ABSENT
    is_active: bool = ABSENT
    offers: list[Offer] = ABSENT
    resources: list[Resource] = ABSENT
    validity: TimePeriod = ABSENT

    @model_validator(mode="after")
    def _holds_something(self) -> Catalog:
        if not {"offers", "resources"} & self.model_fields_set:
            raise other("a catalogue has resources or offers")
        return self


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

CONTEXT = TypeAdapter(Context)
