"""LTS 2.0: the context, and the parts that catalogues and contracts are made of. Messages are in ``grid.beckn.lts``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from grid.beckn.base import ABSENT, Attributes, ClockTime, Closed, DateTime, Number, Open, Uri, Uuid, other


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
