"""AsyncAPI documents: valid by the official JSON Schema, and complete."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from longwire.catalog import CATALOG, AgentType
from longwire.codegen import generate_asyncapi
from longwire.schema import Contract
from tests.codegen.test_typescript import SAMPLE, Everything, Painted

pytestmark = pytest.mark.timeout(120)

ROOT = Path(__file__).parents[2]

# Validates the document, and each example payload by the schema that the document has for it.
VALIDATE = """
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
const require = createRequire(process.argv[1]);
const Ajv = require("ajv");
const { schemas } = require("@asyncapi/specs");
const { document, payloads } = JSON.parse(readFileSync(0, "utf8"));
const faults = [];
const { definitions, ...schema } = schemas["3.0.0"];
const DRAFT = "http://json-schema.org/draft-07/schema"; // ajv has it already
schema.definitions = Object.fromEntries(Object.entries(definitions).filter(([id]) => id !== DRAFT));
const official = new Ajv({ unknownFormats: "ignore", logger: false });
if (!official.validate(schema, document)) faults.push(...official.errors);
const own = new Ajv({ logger: false });
for (const [name, payload] of payloads) {
  const { schemas: all } = document.components;
  const root = { components: { schemas: all }, $ref: `#/components/schemas/${name}` };
  if (!own.validate(root, payload)) faults.push(name, ...own.errors);
}
process.stdout.write(JSON.stringify(faults, null, 1));
"""


def faults_of(document: dict[str, Any], payloads: list[tuple[str, Any]]) -> list[Any]:
    """Return what the official schema, and the schemas of the payloads, find."""
    found = subprocess.run(
        ["node", "--input-type=module", "--eval", VALIDATE, str(ROOT / "package.json")],
        input=json.dumps({"document": document, "payloads": payloads}),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    faults: list[Any] = json.loads(found.stdout)
    return faults


def everything() -> Contract:
    contract = Contract([Everything])
    contract.add(Painted, name="painted")
    return contract


@pytest.mark.parametrize("contract", [CATALOG, SAMPLE, everything(), Contract()])
def test_documents_are_valid(contract: Contract) -> None:
    assert faults_of(generate_asyncapi(contract), []) == []


def test_the_validation_finds_faults() -> None:
    document = generate_asyncapi(CATALOG)
    broken = {**document, "channels": {"jobRoom": {"adress": 5}}}
    assert faults_of(broken, []) != []
    assert faults_of(document, [("AgentStatusEvent", {"agentType": "plumber"})]) != []


def test_payloads_match_their_schemas() -> None:
    contract = (CATALOG | Contract()).widen(AgentType, "translator")
    payloads: dict[str, Any] = {
        "AgentStatusEvent": {"agentType": "translator", "status": "ready", "timestamp": 1},
        "JobOutputEvent": {"jobId": "1", "chunk": "a", "isComplete": False, "timestamp": 1},
    }
    assert faults_of(generate_asyncapi(contract), list(payloads.items())) == []


def test_rooms_are_channels_and_events_are_messages() -> None:
    document = generate_asyncapi(CATALOG, title="Shop")
    assert document["info"] == {"title": "Shop", "version": CATALOG.fingerprint}
    channels = document["channels"]
    assert channels["jobJobIdRoom"]["address"] == "job:{jobId}"
    assert channels["jobJobIdRoom"]["parameters"] == {"jobId": {}}
    assert "jobProgress" in channels["jobJobIdRoom"]["messages"]
    assert channels["anyRoom"]["address"] is None
    assert "assetStatus" in channels["anyRoom"]["messages"]
    operations = document["operations"]
    assert operations["sendJobProgress"]["action"] == "send"
    assert operations["receiveJobCancel"]["channel"] == {"$ref": "#/channels/connection"}
    assert "reply" in operations["receiveJobCancel"]
    message = document["components"]["messages"]["agentStatus"]
    assert message["x-longwire-conflation"] == {"rule": "latest", "key": ["agentType"]}
