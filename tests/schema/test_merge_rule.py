"""Events with `Merge`: how patches are written, what they leave out, and their merged value."""

from __future__ import annotations

import dataclasses

import msgspec
import pydantic
import pydantic.alias_generators
import pytest
from msgspec import UNSET, UnsetType

from longwire import Contract, Event, Merge, Record
from longwire.errors import ContractError, InvalidEvent

NOW = 1_700_000_000_000


class Size(Record):
    width: int
    height: int | UnsetType | None = UNSET


class AssetChanged(
    Event, name="asset:changed", room="asset:{asset_id}", conflate=Merge(max_bytes=200)
):
    asset_id: str
    title: str | UnsetType | None = UNSET
    tags: list[str] | UnsetType = UNSET
    size: Size | UnsetType | None = UNSET
    notes: dict[str, str | None] | UnsetType = UNSET


class AssetModel(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(alias_generator=pydantic.alias_generators.to_camel)

    asset_id: str
    title: str | None = None
    views: int = pydantic.Field(default=0, ge=0)


@dataclasses.dataclass
class AssetData:
    asset_id: str
    title: str | UnsetType | None = UNSET


class Counted(Event, name="counted", conflate=Merge()):
    count: int = 0


class Keyed(Event, name="keyed", conflate=Merge(key="id")):
    id: str | UnsetType = UNSET


class Owner(Record):
    name: str
    email: str | None = None


class Owned(Event, name="owned", conflate=Merge()):
    owners: dict[str, Owner] | UnsetType = UNSET


class Listed(Event, name="listed", conflate=Merge()):
    owners: list[Owner] | UnsetType = UNSET


class Tree(Record):
    children: dict[str, Tree | None] | UnsetType = UNSET


class TreeChanged(Event, name="tree:changed", conflate=Merge()):
    tree: Tree | UnsetType = UNSET


CONTRACT = Contract([AssetChanged])
CONTRACT.add(AssetModel, name="asset:model", conflate=Merge(key="asset_id"))
CONTRACT.add(AssetData, name="asset:data", conflate=Merge(key="asset_id"))


def fold(*patches: object) -> bytes:
    """Return the value after patches, as a broker computes it."""
    value: bytes | None = None
    for patch in patches:
        encoded = CONTRACT.encode(patch, NOW, room="asset:7")
        assert encoded.merge is not None
        value = encoded.merge(value, encoded.data)
    assert value is not None
    return value


def test_a_patch_has_the_fields_that_were_given_and_none_is_null() -> None:
    encoded = CONTRACT.encode(AssetChanged(asset_id="7", title=None, tags=[]), NOW)

    members = msgspec.json.decode(encoded.data)
    assert members == {"assetId": "7", "title": None, "tags": [], "timestamp": NOW}
    assert (encoded.room, encoded.slot, encoded.concat) == ("asset:7", "asset:changed", None)


def test_the_merged_value_decodes_to_the_type() -> None:
    value = fold(
        AssetChanged(asset_id="7", title="A", tags=["x"], notes={"ada": "no", "bob": "ok"}),
        AssetChanged(asset_id="7", size=Size(width=3, height=4)),
        AssetChanged(asset_id="7", title=None, tags=[], notes={"ada": None}),
        AssetChanged(asset_id="7", size=Size(width=5, height=None), timestamp=9),
    )

    assert CONTRACT.decode(AssetChanged, value) == AssetChanged(
        asset_id="7", tags=[], notes={"bob": "ok"}, size=Size(width=5), timestamp=9
    )


def test_a_pydantic_model_sends_the_fields_that_were_set() -> None:
    patch = AssetModel.model_construct(asset_id="7", title=None)
    encoded = CONTRACT.encode(patch, NOW, room="asset:7")
    value = fold(
        AssetModel.model_validate({"assetId": "7", "title": "A", "views": 3}),
        AssetModel.model_validate({"assetId": "7", "title": None}),
    )

    assert encoded.data == b'{"assetId":"7","title":null,"timestamp":%d}' % NOW
    decoded = CONTRACT.decode(AssetModel, value)
    assert (decoded.title, decoded.views) == (None, 3)


def test_a_dataclass_leaves_out_what_is_unset() -> None:
    value = fold(AssetData("7", "A"), AssetData("7"))

    assert CONTRACT.decode(AssetData, value) == AssetData("7", "A")


def test_a_json_patch_is_checked_like_an_event() -> None:
    encoded = CONTRACT.encode_data("asset:changed", b'{"assetId":"7","title":null,"x":1}', NOW)

    assert b'"title":null' in encoded.data
    assert b'"x"' not in encoded.data
    with pytest.raises(InvalidEvent, match="title"):
        CONTRACT.encode_data("asset:changed", b'{"assetId":"7","title":5}', NOW)


def test_a_value_that_would_not_match_its_type_or_is_too_large_is_refused() -> None:
    merge = CONTRACT.encode(AssetChanged(asset_id="7"), NOW).merge
    assert merge is not None
    with pytest.raises(InvalidEvent, match="width"):
        merge(b'{"assetId":"7"}', b'{"size":{"height":1}}')
    with pytest.raises(InvalidEvent, match="at most 200"):
        fold(*(AssetChanged(asset_id="7", notes={str(n): "x" * 20}) for n in range(20)))


def test_a_field_with_another_default_than_unset_is_refused_where_it_is_declared() -> None:
    for model, reason in ((Counted, "'count'"), (Keyed, "'id' of the key"), (Owned, "'email'")):
        with pytest.raises(ContractError, match=reason):
            Contract([model])
    Contract([Listed])  # arrays are replaced whole


def test_a_recursive_type_is_checked_once() -> None:
    Contract([TreeChanged])
