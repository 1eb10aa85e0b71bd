"""The guarantees of the Redis broker beyond the contract: several nodes, and failures of Redis."""

from __future__ import annotations

import asyncio
import datetime
import pickle
from pathlib import Path

import pytest
import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from longwire.broker.redis import RedisBroker
from longwire.broker.redis.log.entry import VOLATILE, draft_fields
from longwire.broker.redis.log.room_scripts import RoomScripts
from longwire.broker.redis.scripts import APPEND
from longwire.errors import BrokerUnavailable
from longwire.log.retention import RetentionLimits
from tests.broker.conftest import sweep
from tests.broker.recording import ManualClock, note, output, progress, texts
from tests.broker.redis.nodes import WaitingReceiver, opened
from tests.redis_server import RedisServer

DURABLE = {"appendonly": "yes", "appendfsync": "always"}


# Several nodes


async def test_every_node_delivers_the_publications_of_all_nodes_in_one_order(
    redis_server: RedisServer, prefix: str
) -> None:
    url = redis_server.url
    async with opened(url, prefix) as (a, at_a), opened(url, prefix) as (b, at_b):
        await asyncio.gather(*(node.subscribe(room) for node in (a, b) for room in ("r", "s")))
        for start in range(0, 200, 20):
            await asyncio.gather(
                *(
                    node.publish(room, note(f"{name} {n}"))
                    for n in range(start, start + 20)
                    for name, node in (("a", a), ("b", b))
                    for room in ("r", "s")
                )
            )
        await asyncio.gather(*(at.until_offset(room, 400) for at in (at_a, at_b) for room in "rs"))

        for room in ("r", "s"):
            assert at_a.offsets(room) == at_b.offsets(room) == list(range(1, 401))
            delivered = [[p for name, p in at.publications if name == room] for at in (at_a, at_b)]
            assert delivered[0] == delivered[1]
        assert at_a.resets == at_b.resets == []


async def test_a_node_reads_resumes_and_lists_the_rooms_of_another(
    redis_server: RedisServer, prefix: str
) -> None:
    url = redis_server.url
    async with opened(url, prefix) as (a, _), opened(url, prefix) as (b, _):
        first = await a.publish("job:1", note("1"), id="x")
        await a.publish("job:2", progress(3))
        await b.publish("job:1", note("2"))

        assert await texts(b, "job:1") == ["1", "2"]
        assert (await b.read("job:1", first)).recovered
        assert await b.rooms("job:") == ["job:1", "job:2"]
        assert await b.publish("job:1", note("1"), id="x") == first


async def test_a_volatile_event_reaches_every_node_once(
    redis_server: RedisServer, prefix: str
) -> None:
    url = redis_server.url
    async with opened(url, prefix) as (a, at_a), opened(url, prefix) as (b, at_b):
        await asyncio.gather(a.subscribe("room"), b.subscribe("room"))
        await a.publish_volatile("room", note("here"))
        await a.publish("room", note("mark"))
        await asyncio.gather(at_a.until_offset("room", 1), at_b.until_offset("room", 1))

        assert at_a.volatile == at_b.volatile == [("room", note("here"))]


async def test_identical_concurrent_reads_share_one_command(
    redis_server: RedisServer, prefix: str
) -> None:
    """After a network failure, a crowd of clients resumes from the same position."""

    def calls() -> int:
        stats = redis_server.run("INFO", "commandstats")
        return sum(
            value["calls"] for name, value in stats.items() if name.startswith("cmdstat_eval")
        )

    async with opened(redis_server.url, prefix) as (broker, _):
        for text in "abc":
            await broker.publish("room", note(text))
        before = calls()
        histories = await asyncio.gather(*(broker.read("room") for _ in range(500)))
        after = calls()

    assert [len(history.publications) for history in histories] == [3] * 500
    assert after - before <= 2


async def test_prefixes_and_databases_are_separate(redis_server: RedisServer, prefix: str) -> None:
    url = redis_server.url
    async with (
        opened(url, prefix) as (a, _),
        opened(url, f"{prefix} of others") as (b, at_b),
        opened(f"{url}?db=1", prefix) as (c, at_c),
    ):
        await asyncio.gather(b.subscribe("room"), c.subscribe("room"))
        await a.publish("room", note("x"))
        await a.publish_volatile("room", note("x"))
        assert await b.rooms("") == await c.rooms("") == []
        await asyncio.gather(b.publish("room", note("b")), c.publish("room", note("c")))

        assert at_b.volatile == at_c.volatile == []
        assert await texts(b, "room") == ["b"]
        assert await texts(c, "room") == ["c"]


async def test_a_room_that_another_node_subscribes_to_is_not_deleted(
    redis_server: RedisServer, prefix: str, clock: ManualClock
) -> None:
    options = {"clock": clock, "retention": RetentionLimits(max_age=3600.0)}
    async with (
        opened(redis_server.url, prefix, **options) as (a, _),
        opened(redis_server.url, prefix, **options) as (b, _),
    ):
        await a.subscribe("used")
        before = await b.publish("used", progress(1))
        await b.publish("idle", progress(1))
        for _ in range(10):
            clock.now += 1_000
            await sweep(a)
            await sweep(b)

        assert await b.position("used") == before
        assert await b.rooms("") == ["used"]


async def test_concurrent_subscribers_of_a_room_miss_no_publication(
    redis_server: RedisServer, prefix: str
) -> None:
    async with opened(redis_server.url, prefix) as (broker, at):
        for n in range(30):
            room = f"room {n}"
            await asyncio.gather(*(broker.subscribe(room) for _ in range(3)))
            position = await broker.publish(room, note(str(n)))
            assert at.offsets(room) == [position.offset]
            for _ in range(3):
                await broker.unsubscribe(room)
                await asyncio.gather(broker.subscribe(room), broker.publish(room, note("x")))
                position = await broker.publish(room, note("y"))
                assert at.offsets(room)[-1] == position.offset


async def test_a_cancelled_subscription_leaves_nothing_behind(
    redis_server: RedisServer, prefix: str
) -> None:
    async with opened(redis_server.url, prefix) as (broker, at):
        doomed = asyncio.create_task(broker.subscribe("room"))
        await asyncio.sleep(0)
        doomed.cancel()
        await asyncio.gather(doomed, return_exceptions=True)
        await broker.publish("room", note("1"))
        await broker.subscribe("room")
        await broker.publish("room", note("2"))

        assert at.offsets("room") == [2]


# Lost notifications and connections


async def test_entries_of_lost_notifications_are_read_from_the_log(
    redis_server: RedisServer, prefix: str
) -> None:
    url = redis_server.url
    async with opened(url, prefix) as (a, at_a), opened(url, prefix) as (b, at_b):
        await asyncio.gather(a.subscribe("room"), b.subscribe("room"))

        async def publish() -> None:
            for n in range(300):
                await a.publish("room", note(str(n)))

        publishing = asyncio.create_task(publish())
        for kill in range(8):
            await at_a.until_offset("room", 1 + 30 * kill)
            await asyncio.to_thread(redis_server.run, "CLIENT", "KILL", "TYPE", "pubsub")
        await publishing
        await asyncio.gather(at_a.until_offset("room", 300), at_b.until_offset("room", 300))

        for at in (at_a, at_b):
            assert at.offsets("room") == list(range(1, 301))
            assert at.resets == []
        assert (await b.position("room")).offset == 300


async def test_an_audit_finds_an_entry_without_a_notification(
    redis_server: RedisServer, prefix: str
) -> None:
    """The notification is published to another channel; no connection is lost."""
    async with opened(redis_server.url, prefix, audit_interval=0.1) as (broker, at):
        await broker.subscribe("room")
        await broker.publish("room", note("1"))
        scripts = RoomScripts(prefix, RetentionLimits(), lambda: 1)
        arguments = ["elsewhere", 1, 1, 512, "", "", 1, "", "", "", draft_fields(note("2"))[-1]]
        lineage = redis_server.run("HGET", f"{prefix}:runs", "lineage")
        redis_server.run(*scripts.command(APPEND, "room", arguments)(lineage))
        redis_server.run("ZADD", f"{prefix}:{{rooms}}:written", 2, "room")
        await at.until_offset("room", 2)

        assert at.offsets("room") == [1, 2]


JUNK = {
    "nothing": b"",
    "a pickle": pickle.dumps({"a": 1}),
    "JSON": b'{"event": "x"}',
    "no entry": b"epoch 1 1\n",
    "an entry cut off": b"epoch 1 1 40\n\x95",
    "an entry in another form": b"epoch 1 1 3\n\x92\x01\x02",
    "not a number": b"epoch one two three\nxyz",
    "a name in invalid UTF-8": b"epoch 1 1 9\n\x95\xa2\xff\xfe\xc0\xc0\xc4\x00\xc0",
    "a volatile one cut off": VOLATILE + b"node \x95",
    "a volatile one without a node": VOLATILE,
    "depth": b"epoch 1 1 100000\n" + b"\x91" * 100_000,
    "megabytes": bytes(8_000_000),
}


@pytest.mark.parametrize("kind", sorted(JUNK))
async def test_a_malformed_notification_costs_neither_the_connection_nor_an_event(
    redis_server: RedisServer, prefix: str, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Each one used to close the connection that receives the notifications of all rooms."""
    async with opened(redis_server.url, prefix) as (broker, at):
        await broker.subscribe("room")
        [channel] = redis_server.run("PUBSUB", "CHANNELS", f"{prefix}@*")
        await broker.publish("room", note("1"))
        await asyncio.to_thread(redis_server.run, "PUBLISH", channel, JUNK[kind])
        await broker.publish("room", note("2"))
        await at.until_offset("room", 2)

        assert at.offsets("room") == [1, 2]
        assert at.resets == []
    assert [record.message.partition(":")[0] for record in caplog.records] == [
        "dropped a malformed notification"
    ]


@pytest.mark.parametrize(("missed", "has_gap"), [(4, False), (20, True)])
async def test_a_disconnected_node_catches_up_or_delivers_a_visible_gap(
    tmp_path: Path, missed: int, has_gap: bool
) -> None:
    retention = RetentionLimits(max_entries=5)
    with RedisServer(tmp_path) as server:
        server.run("ACL", "SETUSER", "cut", "on", ">secret", "~*", "&*", "+@all")
        async with (
            opened(f"unix://cut:secret@{server.socket}", retention=retention) as (a, at_a),
            opened(server.url, retention=retention) as (b, _),
        ):
            await a.subscribe("room")
            await a.publish("room", note("0"))
            server.run("ACL", "SETUSER", "cut", "off")
            server.run("CLIENT", "KILL", "USER", "cut")
            for n in range(missed):
                await b.publish("room", note(str(n)))
            server.run("ACL", "SETUSER", "cut", "on")
            await at_a.until_offset("room", 1 + missed)
            after = await b.publish("room", note("last"))
            await at_a.until_offset("room", after.offset)

            assert at_a.is_without_gap("room") is not has_gap
            assert at_a.offsets("room") == sorted(set(at_a.offsets("room")))
            assert at_a.resets == []


async def test_closed_connections_are_reopened(redis_server: RedisServer, prefix: str) -> None:
    async with opened(redis_server.url, prefix) as (broker, at):
        await broker.subscribe("room")
        await broker.publish("room", note("0"))
        for n in range(1, 20):
            await asyncio.to_thread(redis_server.run, "CLIENT", "KILL", "TYPE", "normal")
            await broker.publish("room", note(str(n)), id=str(n))

        assert await texts(broker, "room") == [str(n) for n in range(20)]
        await at.until_offset("room", 20)
        assert at.is_without_gap("room")


async def test_flushed_scripts_are_loaded_again(redis_server: RedisServer, prefix: str) -> None:
    async with opened(redis_server.url, prefix) as (broker, _):
        await broker.publish("room", note("1"))
        redis_server.run("SCRIPT", "FLUSH")
        await broker.publish("room", note("2"))
        redis_server.run("SCRIPT", "FLUSH")

        assert await texts(broker, "room") == ["1", "2"]


# Restarts, failover and data loss


async def test_epochs_survive_a_restart_if_every_write_is_synced(
    tmp_path: Path,
) -> None:
    with RedisServer(tmp_path, **DURABLE) as server:
        async with opened(server.url) as (broker, at):
            await broker.subscribe("room")
            first = await broker.publish("room", note("1"), id="1")
            await asyncio.to_thread(server.restart)
            second = await broker.publish("room", note("2"), id="2")
            await asyncio.to_thread(server.restart)

            assert await broker.publish("room", note("1"), id="1") == first
            assert second.epoch == first.epoch
            assert at.offsets("room") == [1, 2]
            assert at.resets == []
            assert await texts(broker, "room") == ["1", "2"]


@pytest.mark.parametrize("appendonly", ["yes", "no"])
async def test_epochs_change_after_a_restart_that_may_lose_entries(
    tmp_path: Path, appendonly: str
) -> None:
    with RedisServer(tmp_path, appendonly=appendonly, appendfsync="everysec") as server:
        async with opened(server.url) as (a, at_a), opened(server.url) as (b, at_b):
            await a.subscribe("room")
            await b.subscribe("room")
            before = await a.publish("room", note("1"))
            await asyncio.to_thread(server.restart)
            for at in (at_a, at_b):
                await at.until(lambda at=at: bool(at.resets))
            after = await b.publish("room", note("2"))
            await asyncio.gather(at_a.until_offset("room", after.offset))

            assert after.epoch != before.epoch
            assert [room for room, _ in at_a.resets] == ["room"]
            assert {position.epoch for _, position in (*at_a.resets, *at_b.resets)} == {after.epoch}
            assert not (await a.read("room", before)).recovered
            assert (await texts(a, "room"))[-1] == "2"
            assert await a.rooms("") == ["room"]


async def test_rooms_are_reset_after_a_flush_without_a_disconnect(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        async with (
            opened(server.url, audit_interval=0.1) as (a, at_a),
            opened(server.url, audit_interval=0.1) as (b, at_b),
        ):
            await asyncio.gather(a.subscribe("room"), b.subscribe("room"), b.subscribe("quiet"))
            before = await a.publish("room", note("1"))
            quiet = await b.position("quiet")
            server.run("FLUSHALL")
            after = await a.publish("room", note("2"))
            await at_a.until(lambda: bool(at_a.resets))
            await at_b.until(lambda: {room for room, _ in at_b.resets} == {"room", "quiet"})

            assert after.epoch != before.epoch
            assert after.offset == 1
            assert (await b.position("quiet")).epoch not in ("", quiet.epoch)
            assert await texts(b, "room") == ["2"]


async def test_epochs_change_after_a_replica_is_promoted(tmp_path: Path) -> None:
    (tmp_path / "replica").mkdir()
    with RedisServer(tmp_path, **DURABLE) as server:
        async with opened(server.url) as (broker, _):
            before = await broker.publish("room", note("1"))
        server.run("CONFIG", "SET", "appendfsync", "always")
        # Simulate a failover: another process, which is a replica, has the data of the primary.
        server.run("SAVE")
        server.run("CONFIG", "SET", "appendonly", "no")
        server.kill()
        (tmp_path / "dump.rdb").rename(tmp_path / "replica" / "dump.rdb")
    with RedisServer(tmp_path / "replica", replicaof="127.0.0.1 1") as promoted:
        with pytest.raises(BrokerUnavailable, match="replica"):
            await RedisBroker(promoted.url).start(WaitingReceiver())
        promoted.run("REPLICAOF", "NO", "ONE")
        async with opened(promoted.url) as (broker, _):
            after = await broker.publish("room", note("2"))
            assert await texts(broker, "room") == ["1", "2"]
    assert after.epoch != before.epoch


async def test_a_room_with_an_evicted_key_gets_a_new_log(
    redis_server: RedisServer, prefix: str
) -> None:
    async with opened(redis_server.url, prefix) as (broker, _):
        for part in ("log", "slots", "meta"):
            before = await broker.publish(part, progress(1), id="x")
            redis_server.run("DEL", f"{prefix}:{{room:{part}}}:{part}")
            after = await broker.publish(part, note("2"))

            assert after.epoch != before.epoch
            assert after.offset == 1
            assert await texts(broker, part) == ["2"]
            assert (await broker.publish(part, progress(1), id="x")).offset == 2


# Redis is unavailable


async def test_calls_raise_in_time_while_redis_is_stopped(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        async with opened(server.url, call_timeout=0.7) as (broker, _):
            await broker.publish("room", note("1"))
            server.kill()
            started = asyncio.get_running_loop().time()
            refused = await asyncio.gather(
                broker.publish("room", note("2")),
                broker.publish("room", note("3"), id="3"),
                broker.publish_volatile("room", note("4")),
                broker.read("room"),
                broker.rooms(""),
                broker.subscribe("room"),
                return_exceptions=True,
            )
            waited = asyncio.get_running_loop().time() - started
            server.start()
            position = await broker.publish("room", note("5"))

    assert [type(error) for error in refused] == [BrokerUnavailable] * 6
    assert waited < 3
    assert position.offset == 1


async def test_a_publish_raises_in_time_while_redis_hangs(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        async with opened(server.url, call_timeout=0.7) as (broker, _):
            await broker.publish("room", note("1"))
            server.freeze()
            with pytest.raises(BrokerUnavailable, match=r"did not answer within 0\.7 s"):
                await broker.publish("room", note("2"))
            server.thaw()
            await broker.publish("room", note("3"))

            assert (await texts(broker, "room"))[-1] == "3"


async def test_a_redis_out_of_memory_rejects_publishes_and_keeps_the_logs_intact(
    tmp_path: Path,
) -> None:
    with RedisServer(tmp_path, maxmemory_policy="noeviction") as server:
        async with opened(server.url, retention=RetentionLimits(max_entries=3)) as (broker, at):
            await broker.subscribe("room")
            for n in range(5):
                before = await broker.publish("room", note(str(n)))
            server.run("CONFIG", "SET", "maxmemory", "1")
            for draft in (note("refused"), progress(1)):
                with pytest.raises(BrokerUnavailable, match="maxmemory"):
                    await broker.publish("room", draft)
            with pytest.raises(BrokerUnavailable, match="maxmemory"):
                await broker.publish("new", note("refused"))
            assert await texts(broker, "room") == ["2", "3", "4"]
            server.run("CONFIG", "SET", "maxmemory", "0")
            after = await broker.publish("room", note("5"))

            assert (after.epoch, after.offset) == (before.epoch, 6)
            assert at.offsets("room") == [1, 2, 3, 4, 5, 6]
            assert await texts(broker, "room") == ["3", "4", "5"]


# The address


async def refusal(url: str) -> str:
    with pytest.raises(BrokerUnavailable) as refused:
        await RedisBroker(url).start(WaitingReceiver())
    return str(refused.value)


async def test_the_error_for_an_unreachable_redis_does_not_contain_the_password(
    tmp_path: Path,
) -> None:
    message = await refusal(f"unix://ada:hunter2@{tmp_path}/none.sock")

    assert f"unix://{tmp_path}/none.sock" in message
    assert "hunter2" not in message
    assert "hunter2" not in await refusal("redis://ada:hunter2@127.0.0.1:1/3")
    assert "127.0.0.1:1/3" in await refusal("redis://ada:hunter2@127.0.0.1:1/3")


async def test_a_wrong_password_is_rejected_and_the_right_one_accepted(tmp_path: Path) -> None:
    with RedisServer(tmp_path, requirepass="hunter2") as server:
        for user in ("", "default:wrong@", "nobody:hunter2@"):
            message = await refusal(f"unix://{user}{server.socket}")
            assert "rejects the user or the password" in message
            assert "hunter2" not in message
        async with opened(f"unix://default:hunter2@{server.socket}") as (broker, _):
            await broker.publish("room", note("1"))
            assert await texts(broker, "room") == ["1"]


async def test_a_user_with_minimal_permissions_is_sufficient(tmp_path: Path) -> None:
    rights = (
        *("~longwire:*", "&longwire@*", "+@read", "+@write", "+@scripting", "+@pubsub"),
        *("-@dangerous", "+info", "+ping"),
    )
    with RedisServer(tmp_path) as server:
        server.run("ACL", "SETUSER", "longwire", "on", ">secret", *rights)
        async with opened(f"unix://longwire:secret@{server.socket}") as (broker, at):
            await broker.subscribe("room")
            await broker.publish("room", output("a"))
            await sweep(broker)

            assert at.offsets("room") == [1]


def make_certificate(certificate: Path, key: Path) -> None:
    """Write a self-signed certificate for localhost."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name)
        .public_key(private.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(private, hashes.SHA256())
    )
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


async def test_tls(tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    make_certificate(certificate, key)
    options = {"tls_cert_file": str(certificate), "tls_key_file": str(key)}
    with RedisServer(tmp_path, tls_auth_clients="no", tls_ca_cert_file="", **options) as server:
        port = server.listen_tls()
        url = f"rediss://localhost:{port}/0"
        assert "certificate" in await refusal(url)
        async with opened(f"{url}?ssl_ca_certs={certificate}") as (broker, _):
            await broker.publish("room", note("1"))
            assert await texts(broker, "room") == ["1"]


# Memory and expiry


async def test_the_memory_of_a_room_is_bounded(redis_server: RedisServer, prefix: str) -> None:
    """A long job: more text than is retained, many states, and many publish ids."""
    retention = RetentionLimits(max_bytes=200_000)
    async with opened(redis_server.url, prefix, retention=retention) as (broker, _):
        for start in range(0, 20_000, 500):
            await asyncio.gather(
                *(
                    broker.publish(
                        "room",
                        output("word " * 10) if n % 2 else progress(n, str(n % 100)),
                        id=str(n),
                    )
                    for n in range(start, start + 500)
                )
            )
    keys = {part: f"{prefix}:{{room:room}}:{part}" for part in ("log", "slots", "ids", "order")}
    # SAMPLES 0 measures every element; the default of five may be unusually large ones.
    usage = {
        part: redis_server.run("MEMORY", "USAGE", key, "SAMPLES", "0") for part, key in keys.items()
    }

    assert usage["log"] < 400_000
    assert usage["slots"] < 20_000
    assert usage["ids"] + usage["order"] < 2_500_000


async def test_every_key_expires(redis_server: RedisServer, prefix: str) -> None:
    retention = RetentionLimits(max_age=1000.0)
    async with opened(redis_server.url, prefix, retention=retention) as (broker, _):
        await broker.subscribe("subscribed")
        await broker.publish("room", progress(1), id="1")
        await broker.publish("room", output("text"), id="2")
        await broker.publish_volatile("room", note("x"))
    with redis.Redis(unix_socket_path=str(redis_server.socket)) as client:
        keys = sorted(client.scan_iter(f"{prefix}:*"))
        permanent = [key for key in keys if not 0 < client.pttl(key) <= 1_250_000]

    assert permanent == [f"{prefix}:runs".encode()]
    assert len(keys) == 9


async def test_a_deleted_room_leaves_no_keys_behind(
    redis_server: RedisServer, prefix: str, clock: ManualClock
) -> None:
    retention = RetentionLimits(max_age=1000.0)
    async with opened(redis_server.url, prefix, retention=retention, clock=clock) as (broker, _):
        for n in range(20):
            await broker.publish(f"room {n}", progress(1), id="1")
        clock.now += 1001
        await sweep(broker)

        assert redis_server.run("KEYS", f"{prefix}:*") == [f"{prefix}:runs".encode()]
