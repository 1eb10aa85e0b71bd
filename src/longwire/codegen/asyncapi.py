"""AsyncAPI 3 documents of contracts."""

from __future__ import annotations

import re
from typing import Any

from longwire.codegen.json_schema import JsonSchema, schema_of_node, schema_of_type
from longwire.schema import Contract
from longwire.schema.description import EventDescription
from longwire.schema.fingerprint import fingerprint

CONNECTION = "connection"
"""The channel of events that belong to a connection instead of a room."""
ANY_ROOM = "anyRoom"
"""The channel of events whose room the publisher names."""


def generate_asyncapi(contract: Contract, *, title: str = "Longwire") -> dict[str, Any]:
    """Return a contract as an AsyncAPI 3 document, from the point of view of the server.

    Each room is a channel, and each event a message with a JSON Schema of its payload. The version
    of the document is the contract's fingerprint. How entries merge in a log is the extension
    `x-longwire-conflation`.

    Args:
        contract: the contract.
        title: the title of the document.
    """
    description = contract.describe()
    channels = {_channel_name(room): _room_channel(room) for room in description.rooms}
    channels |= _channels_without_address()
    operations: dict[str, JsonSchema] = {}
    messages: dict[str, JsonSchema] = {}
    for event in description.events:
        name = _identifier(event.name)
        messages[name] = _message(event)
        for action, channel in _uses(event):
            target = channels[channel]
            target["messages"][name] = {"$ref": f"#/components/messages/{name}"}
            operations[f"{action}{name[0].upper()}{name[1:]}"] = _operation(
                action, channel, name, event, messages, target
            )
    return {
        "asyncapi": "3.0.0",
        "info": {"title": title, "version": fingerprint(description)},
        "defaultContentType": "application/json",
        "channels": {name: channel for name, channel in channels.items() if channel["messages"]},
        "operations": operations,
        "components": {
            "messages": messages,
            "schemas": {found.name: schema_of_type(found) for found in description.types},
        },
    }


def _uses(event: EventDescription) -> list[tuple[str, str]]:
    """Return the actions of the server for an event, each with its channel."""
    uses: list[tuple[str, str]] = []
    if event.origin != "client":
        uses.append(("send", _channel_name(event.room) if event.room else ANY_ROOM))
    if event.origin != "server":
        uses.append(("receive", CONNECTION))
    return uses


def _operation(
    action: str,
    channel: str,
    name: str,
    event: EventDescription,
    messages: dict[str, JsonSchema],
    target: JsonSchema,
) -> JsonSchema:
    reference = {"$ref": f"#/channels/{channel}"}
    operation: JsonSchema = {
        "action": action,
        "channel": reference,
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"}],
    }
    if action == "receive" and event.ack is not None:
        answer = f"{name}Ack"
        messages[answer] = {
            "name": answer,
            "summary": f"The acknowledgement of {event.name}.",
            "payload": schema_of_node(event.ack),
        }
        target["messages"][answer] = {"$ref": f"#/components/messages/{answer}"}
        operation["reply"] = {
            "channel": reference,
            "messages": [{"$ref": f"#/channels/{channel}/messages/{answer}"}],
        }
    return operation


def _message(event: EventDescription) -> JsonSchema:
    rule = event.conflation
    conflation: JsonSchema = {}
    if rule is not None:
        field = {"field": rule.field} if rule.field else {}
        conflation = {
            "x-longwire-conflation": {"rule": rule.rule, "key": list(rule.key), **field},
        }
    return {
        "name": event.name,
        "payload": {"$ref": f"#/components/schemas/{event.payload}"},
        **conflation,
    }


def _channels_without_address() -> dict[str, JsonSchema]:
    summaries = {
        CONNECTION: "Events that a client sends over its connection.",
        ANY_ROOM: "Events that can be published to any room: the publisher names it.",
    }
    return {
        name: {"address": None, "summary": summary, "messages": {}}
        for name, summary in summaries.items()
    }


def _room_channel(room: str) -> JsonSchema:
    return {"address": room, **_parameters(room), "messages": {}}


def _parameters(room: str) -> JsonSchema:
    names = re.findall(r"\{(\w+)\}", room)
    return {"parameters": {name: {} for name in names}} if names else {}


def _channel_name(room: str) -> str:
    return _identifier(re.sub(r"[{}]", "", room)) + "Room"


def _identifier(name: str) -> str:
    """Return a name for a key of the document: `jobProgress` for `job:progress`."""
    first, *others = [word for word in re.split(r"[^A-Za-z0-9]+", name) if word] or ["_"]
    return first + "".join(word[:1].upper() + word[1:] for word in others)
