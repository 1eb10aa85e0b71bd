"""TypeScript of a contract: readable, deterministic, strict."""

import datetime
import enum
import json
import re
import subprocess
from dataclasses import dataclass, make_dataclass
from pathlib import Path
from typing import Annotated, Generic, Literal, NamedTuple, TypedDict, TypeVar

import pydantic
import pytest
from msgspec import UNSET, Meta, Struct, UnsetType, field

from longwire import wire
from longwire.catalog import CATALOG
from longwire.codegen import generate_typescript
from longwire.errors import ContractError
from longwire.schema import Contract, Event, Record
from longwire.types import Concat, Latest, Merge
from longwire.wire import PublishAck

ROOT = Path(__file__).parents[2]
T = TypeVar("T")

Mood = Annotated[Literal["fine", "so-so"], Meta(title="Mood", description="How it is.")]


class Answer(Record):
    """An answer."""

    is_fine: bool


class Told(
    Event, name="tale:told", room="tale:{tale_id}:part:{part}", conflate=Concat("text", key="mood")
):
    """A part of a tale.

    With a */ inside.

    Attributes:
        text: the words.
    """

    tale_id: str
    part: int
    text: str
    mood: Mood | None = None
    sizes: list[int | None] = []  # noqa: RUF012
    rating: Annotated[float, Meta(ge=1, le=5)] = 3.0
    odd_key: dict[str, list[Mood]] | None = None
    anything: object = None
    tone: Literal["low", "high"] = "low"


class Asked(Event, name="tale/asked", origin="client", ack=Answer):
    question: str
    times: int = 1
    politely: bool = True
    to: str | None = None


class Liked(Event, name="liked", origin="both", ack=PublishAck, conflate=Latest(key="tale_id")):
    tale_id: str


SAMPLE = Contract([Told, Asked, Liked], rooms=["hall"])


def test_a_payload_is_an_interface_with_docs() -> None:
    assert """\
/**
 * A part of a tale.
 *
 * With a * / inside.
 */
export interface TaleToldEvent {
  taleId: string;
  part: number;
  /** The words. */
  text: string;
  mood?: Mood;
  sizes: (number | null)[];
  /** At least 1, at most 5 */
  rating: number;
  oddKey?: Record<string, Mood[]>;
  anything?: unknown;
  tone: "high" | "low";
  /** Milliseconds since the Unix epoch. */
  timestamp: number;
}
""" in generate_typescript(SAMPLE)


def test_closed_vocabularies_are_string_unions() -> None:
    text = generate_typescript(SAMPLE)
    assert '/** How it is. */\nexport type Mood = "fine" | "so-so";\n' in text


def test_long_unions_are_broken() -> None:
    assert 'export type AgentType =\n  | "analytics_specialist"\n' in generate_typescript(CATALOG)


def test_rooms_are_template_literals() -> None:
    text = generate_typescript(SAMPLE)
    assert 'export type HallRoom = "hall";\n' in text
    assert "export type TalePartRoom = `tale:${string}:part:${string}`;\n" in text
    assert "export type Room = HallRoom | TalePartRoom;\n" in text


@pytest.mark.parametrize(
    ("rooms", "names"),
    [
        (["a:{x}:b", "a:{x}:{y}:b", "a-b"], "ABRoom | AXYBRoom | ABRoom2"),
        (["{x}"], "XRoom"),
        (["é"], "Room0"),
    ],
)
def test_every_room_type_has_its_own_name(rooms: list[str], names: str) -> None:
    assert f"export type Room = {names};\n" in generate_typescript(Contract(rooms=rooms))


def test_a_contract_without_rooms_has_a_room_type_too() -> None:
    assert "export type Room = never;\n" in generate_typescript(Contract())


def test_directions_are_kept_apart() -> None:
    server, client = generate_typescript(SAMPLE).split("export interface ClientToServerEvents")
    assert '  "tale:told": (data: TaleToldEvent) => void;\n' in server
    assert "  liked: (data: LikedEvent) => void;\n" in server
    assert '"tale/asked": (' not in server
    assert (
        '  "tale/asked": (data: Draft<TaleAskedEvent, "times" | "politely">, '
        "ack?: (answer: Answer) => void) => void;\n" in client
    )
    assert (
        "  liked: (data: Draft<LikedEvent>, ack?: (answer: PublishAck) => void) => void;\n"
        in client
    )


def test_the_table_contains_conflation() -> None:
    text = generate_typescript(SAMPLE)
    assert (
        """\
  "tale:told": {
    room: "tale:{taleId}:part:{part}",
    origin: "server",
    conflate: { rule: "concat", field: "text", key: ["mood"] },
  },
"""
        in text
    )
    assert '    conflate: { rule: "latest", key: ["taleId"] },\n' in text


class TaleChanged(Event, name="tale:changed", conflate=Merge(key="tale_id")):
    """A patch of a tale."""

    tale_id: str
    title: str | UnsetType | None = UNSET
    moods: dict[str, int | None] | UnsetType = UNSET


def test_a_patch_is_a_type_whose_members_are_optional_and_may_be_null() -> None:
    text = generate_typescript(Contract([TaleChanged]))

    assert '    conflate: { rule: "merge", key: ["taleId"] },\n' in text
    assert (
        """\
export interface TaleChangedEvent {
  taleId: string;
  title?: string | null;
  moods?: Record<string, number | null>;
"""
        in text
    )


def test_the_fingerprint_is_that_of_the_contract() -> None:
    line = f'export const CONTRACT_FINGERPRINT = "{SAMPLE.fingerprint}";'
    assert line in generate_typescript(SAMPLE)


def test_no_any() -> None:
    for contract in (CATALOG, SAMPLE):
        assert "any" not in generate_typescript(contract).replace("anything", "").split()


def test_a_message_with_ok_is_a_union_of_success_and_rejection() -> None:
    text = generate_typescript(Contract())
    assert (
        """\
export type JoinAck =
  | { ok: true; room: string; epoch: string; offset: number; recovered: boolean }
  | RoomError;
"""
        in text
    )
    assert (
        """\
export type PublishAck =
  | { ok: true; room?: string; epoch?: string; offset?: number; attempt?: number }
  | { ok: false; room?: string; error: Fault };
"""
        in text
    )
    assert "export interface RoomError {\n  /** Always false. */\n  ok: false;\n" in text


def test_every_event_of_the_wire_is_in_an_event_map() -> None:
    text = generate_typescript(Contract())
    for name in wire.EVENT_NAMES:
        assert re.search(rf'^  "?{name}"?: \(', text, re.MULTILINE), name


def test_names_of_the_wire_are_rejected() -> None:
    class Position(Record):
        x: float

    class Moved(Event, name="moved"):
        to: Position

    with pytest.raises(ContractError, match="Position is a type of Longwire's own wire"):
        generate_typescript(Contract([Moved]))


def test_the_javascript_package_has_the_catalogue() -> None:
    written = (ROOT / "js/src/contract.ts").read_text(encoding="utf-8")
    assert written == generate_typescript(CATALOG), "run `make generated`"


class Tint(enum.Enum):
    RED = "red"
    BLUE = 'bl"ue'


class Point(NamedTuple):
    x: int
    label: str


class Row(Struct, array_like=True):
    key: str
    rows: list["Row"] = []


class Plain(Struct):
    snake_case: int | None = None
    patch: int | UnsetType = UNSET


class Sparse(Struct, omit_defaults=True):
    count: int = 5
    note: str | None = None
    made: str = field(default_factory=lambda: "made")


class Partly(TypedDict, total=False):
    some: int


@dataclass
class Noted:
    note: str | None = None


class Page(Struct, Generic[T]):
    items: list[T]


class Everything(Event, name="everything"):
    point: Point
    row: Row
    plain: Plain
    sparse: Sparse
    partly: Partly
    noted: Noted
    ints: Page[int]
    texts: Page[str]
    pair: tuple[int, str]
    tint: Tint
    when: datetime.datetime
    raw: bytes
    options: set[str]
    class_: Annotated[str, Meta(pattern="^a$")] = field(name="class", default="a")
    dashed: int = field(name="with-dash", default=1)
    patch: int | UnsetType = UNSET
    later: "Everything | None" = None


class Painted(pydantic.BaseModel):
    tint: Tint
    pair: tuple[int, str]
    note: str | None = None


def test_sent_payloads_fit_their_types(tmp_path: Path) -> None:
    """The types required members that may be missing or null; named tuples were `null`."""
    contract = Contract([Everything])
    contract.add(Painted, name="painted")
    event = Everything(
        point=Point(1, "a"),
        row=Row("a", [Row("b")]),
        plain=Plain(),
        sparse=Sparse(),
        partly={},
        noted=Noted(),
        ints=Page([1]),
        texts=Page(["a"]),
        pair=(1, "a"),
        tint=Tint.BLUE,
        when=datetime.datetime.now(datetime.UTC),
        raw=b"a",
        options={"a"},
    )
    lines = [generate_typescript(contract)]
    for sent in (event, Painted(tint=Tint.RED, pair=(1, "a"))):
        encoded = contract.encode(sent, now_ms=1)
        name = f"{encoded.event.capitalize()}Event"
        lines.append(f"export const {encoded.event}: {name} = {encoded.data.decode()};")
    assert compiled(tmp_path, {"sent": "\n".join(lines)}) == ("", 0)


@pytest.mark.parametrize("name", ["Omit", "string", "default"])
def test_names_of_the_language_are_rejected(name: str) -> None:
    taken = make_dataclass("Taken", [("x", int)])
    taken.__name__ = name
    contract = Contract()
    contract.add(make_dataclass("Moved", [("to", taken)]), name="moved")
    with pytest.raises(ContractError, match=f"{name} is a name of the TypeScript language"):
        generate_typescript(contract)


STRICT = {
    "strict": True,
    "exactOptionalPropertyTypes": True,
    "noUncheckedIndexedAccess": True,
    "noEmit": True,
    "target": "es2022",
    "lib": ["es2022"],
    "module": "esnext",
    "moduleResolution": "bundler",
    "types": [],
}

USE = """\
import {
  EVENTS, type ClientToServerEvents, type Draft, type EventHandler, type EventName,
  type JobCancelEvent, type JobStatus, type Room, type SocketEvents,
} from "./catalog.js";
import type * as sample from "./sample.js";

declare function emit<K extends keyof SocketEvents>(
  event: K, ...args: Parameters<SocketEvents[K]>
): void;

emit("join_room", "job:1");
emit("join_room", "job:1", "now");
emit("join_room", "job:1", { epoch: "e", offset: 1 }, (answer) => {
  const end: number | string = answer.ok ? answer.offset : answer.error.code;
  void end;
});
emit("leave_room", "job:1");
emit("ping");
// @ts-expect-error a token is a string
emit("auth", 1);

export const handler: EventHandler<"job:progress"> = (data) => data.progress.toFixed();
export const room: Room = "job:1";
// @ts-expect-error unknown room
export const wrongRoom: Room = "jbo:1";
export const status: JobStatus = "running";
// @ts-expect-error unknown status
export const wrongStatus: JobStatus = "done";
export const cancel: Draft<JobCancelEvent> = { jobId: "1" };
// @ts-expect-error the job is missing
export const wrongCancel: Draft<JobCancelEvent> = {};
// @ts-expect-error an optional member must not be undefined
export const undefinedReason: Draft<JobCancelEvent> = { jobId: "1", reason: undefined };
export const field: "chunk" = EVENTS["job:output"].conflate.field;
export const name: EventName = "announcement";
// @ts-expect-error clients cannot send job:completed
export type Wrong = ClientToServerEvents["job:completed"];

export const ask: Parameters<sample.ClientToServerEvents["tale/asked"]> = [
  { question: "why", times: 2 },
  (answer) => void (answer.isFine satisfies boolean),
];
"""


def test_it_compiles_under_strict_settings(tmp_path: Path) -> None:
    catalog, sample = generate_typescript(CATALOG), generate_typescript(SAMPLE)
    assert compiled(tmp_path, {"catalog": catalog, "sample": sample, "use": USE}) == ("", 0)


def compiled(folder: Path, modules: dict[str, str]) -> tuple[str, int]:
    """Compile modules; return the compiler's output and exit code."""
    for name, text in modules.items():
        (folder / f"{name}.ts").write_text(text, encoding="utf-8")
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": STRICT}))
    compiler = ROOT / "node_modules/.bin/tsc"
    found = subprocess.run([compiler, "-p", folder], capture_output=True, text=True, check=False)
    return found.stdout, found.returncode
