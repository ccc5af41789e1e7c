"""rc1 messages, read against a profile and given back unchanged.

Nearly every published rc1 example breaks rc1's own schema, so the profile asks only for what reading needs: a context
that names sender, receiver and message, and for each action the part of the message that carries its content.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from grid.beckn.base import ABSENT, DateTime, Uri

ORDER_ACTIONS = ("select", "init", "confirm", "update", "cancel")
ACTIONS = (
    "discover", "on_discover", "rating", "on_rating", "support", "on_support", "catalog_publish", "on_catalog_publish",
    *(name for action in (*ORDER_ACTIONS, "status") for name in (action, f"on_{action}")),
)  # fmt: skip


class Profile(BaseModel):
    """Snake-case keys; others are kept as they are."""

    model_config = ConfigDict(strict=True, frozen=True, extra="allow", allow_inf_nan=False)

    def as_json(self) -> dict[str, Any]:
        """What was parsed, equal as a JSON value: nulls and the form of numbers kept."""
        return self.model_dump(by_alias=True, exclude_unset=True)


class Context(Profile):
    """DEG's ids are free text, so none has to be a uuid; ``network_id`` is a list in rc1."""

    version: Literal["2.0.0"]
    action: str
    timestamp: DateTime
    message_id: str = Field(min_length=1)
    transaction_id: str = Field(min_length=1)
    bap_id: str = Field(min_length=1)
    bap_uri: Uri
    bpp_id: str = ABSENT
    bpp_uri: Uri = ABSENT
    domain: str = ABSENT
    ttl: str = ABSENT
    network_id: list[str] | str = ABSENT
    schema_context: list[Uri] = ABSENT


class Item(Profile):
    id: str = Field(alias="beckn:id")
    attributes: dict[str, Any] = Field(default=ABSENT, alias="beckn:itemAttributes")


class Offer(Profile):
    id: str = Field(alias="beckn:id")
    items: list[str] = Field(default=ABSENT, alias="beckn:items")
    price: dict[str, Any] = Field(default=ABSENT, alias="beckn:price")


class Catalog(Profile):
    type: Literal["beckn:Catalog"] = Field(alias="@type")
    id: str = Field(alias="beckn:id")
    validity: dict[str, Any] = Field(default=ABSENT, alias="beckn:validity")
    items: list[Item] = Field(default=ABSENT, alias="beckn:items")
    offers: list[Offer] = Field(default=ABSENT, alias="beckn:offers")


class OrderItem(Profile):
    ordered_item: str = Field(alias="beckn:orderedItem")
    attributes: dict[str, Any] = Field(default=ABSENT, alias="beckn:orderItemAttributes")


class Fulfillment(Profile):
    attributes: dict[str, Any] = Field(default=ABSENT, alias="beckn:deliveryAttributes")


class Order(Profile):
    type: Literal["beckn:Order"] = Field(alias="@type")
    id: str = Field(default=ABSENT, alias="beckn:id")
    order_items: list[OrderItem] = Field(default=ABSENT, alias="beckn:orderItems")
    fulfillment: Fulfillment = Field(default=ABSENT, alias="beckn:fulfillment")


class CatalogsMessage(Profile):
    catalogs: list[Catalog]


class OrderMessage(Profile):
    order: Order


class FreeMessage(Profile):
    """Actions whose published examples agree on nothing but being an object."""


def message_model(action: str) -> type[Profile]:
    """The part of the profile an action is read against."""
    if action in ("on_discover", "catalog_publish"):
        return CatalogsMessage
    bare = action.removeprefix("on_")
    return OrderMessage if bare in ORDER_ACTIONS or action == "on_status" else FreeMessage
