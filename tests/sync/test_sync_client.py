"""The synchronous client: the methods of the asyncio client, and threads that end."""

from __future__ import annotations

import contextlib
import inspect
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from longwire.catalog import JobCancel, JobOutput, JobProgress
from longwire.client import ConnectionState, RoomReset
from longwire.client import Room as AsyncRoom
from longwire.client import WebSocketClient as AsyncClient
from longwire.errors import (
    CallRefused,
    ConfigurationError,
    ConnectionRefused,
    InvalidEvent,
    NotConnected,
    PublishDenied,
    RoomDenied,
    StaleAttempt,
)
from longwire.jobs import Job as AsyncJob
from longwire.sync import Job, Room, WebSocketClient
from longwire.tokens import issue_token
from tests.serving import SECRET
from tests.sync.conftest import Backend, Connect

UNREACHABLE = "http://127.0.0.1:1"


def output(number: int) -> JobOutput:
    return JobOutput(job_id="1", chunk=f"{number} ")


def members(kind: type) -> dict[str, Any]:
    return {
        name: inspect.getattr_static(kind, name) for name in dir(kind) if not name.startswith("_")
    }


@pytest.mark.parametrize(
    ("theirs", "ours", "inside"),
    [
        (AsyncClient, WebSocketClient, set[str]()),
        (AsyncRoom, Room, set[str]()),
        (AsyncJob, Job, {"blocking", "interrupt"}),
    ],
)
def test_the_methods_are_those_of_the_asyncio_client(
    theirs: type, ours: type, inside: set[str]
) -> None:
    named, offered = members(theirs), {*members(ours), "id", "room", "name", "joined", "cancelled"}
    offered |= {"cancel_requested", "on_reset"}
    assert named.keys() - inside - offered == set()
    for name in named.keys() & members(ours).keys():
        if inspect.isfunction(named[name]):
            expected = list(inspect.signature(named[name]).parameters)
            assert list(inspect.signature(members(ours)[name]).parameters) == expected, name


def test_a_script_publishes_and_reads(backend: Backend) -> None:
    token = issue_token(SECRET, "script", service=True)
    with WebSocketClient(backend.url, token=token) as client:
        assert client.is_connected
        assert client.state is ConnectionState.CONNECTED
        assert client.user_id == "script"
        assert client.transport == "websocket"
        positions = [client.publish(output(number)) for number in range(300)]
        assert [position.result().offset for position in positions] == list(range(1, 301))
        text = ""
        for event in client.events(JobOutput, room="job:1"):
            text += event.chunk
            if text.endswith("299 "):
                break
        assert text == "".join(f"{number} " for number in range(300))
        assert client.ping() < 5
        assert client.health.drops == 0
    with pytest.raises(NotConnected, match="closed"):
        client.publish(output(0))
    with pytest.raises(NotConnected, match="closed"):
        client.connect()
    client.close()


def test_handlers_run_in_order_on_one_thread_and_may_block(
    client: WebSocketClient, worker: WebSocketClient
) -> None:
    received: queue.Queue[tuple[str, int]] = queue.Queue()

    def handle(event: JobOutput) -> None:
        client.ping()  # would deadlock on the connection's thread
        received.put((event.chunk, threading.get_ident()))

    unsubscribe = client.on(JobOutput, handle, room="job:1")
    assert client.join_room("job:1").result().room == "job:1"
    for number in range(20):
        worker.publish(output(number)).result()
    calls = [received.get() for _ in range(20)]
    assert "".join(chunk for chunk, _ in calls) == "".join(f"{number} " for number in range(20))
    [thread] = {ident for _, ident in calls}
    assert thread != threading.get_ident()
    unsubscribe()
    worker.publish(output(21)).result()
    client.ping()
    assert received.empty()


def test_output_survives_cuts(
    client: WebSocketClient, worker: WebSocketClient, backend: Backend
) -> None:
    states: queue.Queue[ConnectionState] = queue.Queue()
    client.on_state_change(states.put)
    with client.room("job:1") as room, room.events(JobOutput, RoomReset) as events:
        for number in range(60):
            worker.publish(output(number)).result()
            if number in (20, 40):
                backend.cut()
        text = ""
        while not text.endswith("59 "):
            event = next(events)
            assert isinstance(event, JobOutput)
            text += event.chunk
        assert text == "".join(f"{number} " for number in range(60))
        assert room.position is not None
    assert states.get() is ConnectionState.RECONNECTING


def test_handlers_and_listeners_are_plain_functions(client: WebSocketClient) -> None:
    """Regression: a coroutine function was called and never awaited."""

    async def handle(_: object) -> None:
        raise AssertionError

    for register in (
        lambda: client.on(JobProgress, handle),
        lambda: client.once(JobProgress, handle),
        lambda: client.on_state_change(handle),
        lambda: client.on_health(handle),
        lambda: client.on_cancel("1", handle),
    ):
        with pytest.raises(TypeError, match="must be a plain function"):
            register()


def test_many_threads_use_one_client(worker: WebSocketClient) -> None:
    def work(number: int) -> int:
        positions = [worker.publish(output(number)) for _ in range(50)]
        return sum(position.result() is not None for position in positions)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(work, range(8))) == 400
    position = worker.publish(output(0)).result()
    assert position.offset == 401


def test_threads_share_an_iterator(client: WebSocketClient, worker: WebSocketClient) -> None:
    events = client.events(JobProgress, room="job:1")
    taken: list[float] = []

    def read() -> None:
        taken.extend(event.progress for event in events)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    client.room_status("job:1")
    for percent in range(50):
        worker.publish(JobProgress(job_id="1", progress=percent, current_step=""), volatile=False)
    deadline = time.monotonic() + 5
    while 49 not in taken and time.monotonic() < deadline:
        client.ping()
    events.close()
    for reader in readers:
        reader.join()
    assert len(taken) == len(set(taken))
    assert 49 in taken


def test_errors_of_the_asyncio_client_are_raised(client: WebSocketClient, clients: Connect) -> None:
    with pytest.raises(RoomDenied):
        client.join_room("user:somebody-else").result()
    with pytest.raises(PublishDenied):
        client.publish(output(1)).result()
    with pytest.raises(InvalidEvent):
        client.publish(JobProgress(job_id="1", progress=101, current_step=""))
    with pytest.raises(ConfigurationError):
        WebSocketClient("no address")
    with pytest.raises(ConnectionRefused):
        clients(token="wrong")
    with WebSocketClient(UNREACHABLE, timeout=0.1) as nobody, pytest.raises(NotConnected):
        nobody.connect()


def test_emit_waits_for_a_connection_and_calls_are_answered(
    client: WebSocketClient, worker: WebSocketClient
) -> None:
    client.disconnect()
    assert client.state is ConnectionState.DISCONNECTED
    emitted = client.emit(JobCancel(job_id="1"))
    assert not emitted.done()
    client.connect()
    emitted.result()
    with pytest.raises(CallRefused):
        raise CallRefused("") if not client.call(JobCancel(job_id="2")).ok else AssertionError


def test_cancelling_a_future_takes_the_publication_back(clients: Connect) -> None:
    worker = clients("w", service=True)
    worker.disconnect()
    taken_back = worker.publish(output(1))
    assert taken_back.cancel()
    worker.connect()
    assert worker.publish(output(2)).result().offset == 1


def test_a_token_function_may_block(backend: Backend) -> None:
    asked = threading.Event()

    def provide() -> str:
        asked.wait()
        return issue_token(SECRET, "ada")

    async def provide_async() -> str:
        return issue_token(SECRET, "bob")

    threading.Timer(0.05, asked.set).start()
    with WebSocketClient(backend.url, token=provide) as client:
        assert client.user_id == "ada"
        client.disconnect()
        client.connect(provide_async)
        assert client.user_id == "bob"


def test_tracking_and_running_a_job(client: WebSocketClient, worker: WebSocketClient) -> None:
    def work() -> None:
        with worker.start_job(title="Report", job_id="1") as job:
            job.progress(10, "Reading")
            job.output("It was a dark night.", type="writing")
            job.flush()
            watching.wait()
            job.complete({"content": "done"}, cost=0.5)

    watching = threading.Event()
    with ThreadPoolExecutor(1) as pool, client.job("1") as tracker:
        working = pool.submit(work)
        for state in tracker:
            if state.text:
                watching.set()
        assert tracker.result().content == "done"
        assert tracker.is_complete
        assert not tracker.is_running
        assert tracker.state.title == "Report"
        tracker.reset()
        assert tracker.result().content == "done"
        working.result()


def test_a_cancelled_job_ends_when_its_body_checks(
    client: WebSocketClient, worker: WebSocketClient
) -> None:
    requested = threading.Event()
    worker.on_cancel("1", lambda _: requested.set())
    with client.job("1") as tracker:
        with worker.start_job(job_id="1") as job:
            job.flush()
            tracker.cancel("enough")
            requested.wait()
            while not job.cancel_requested:
                worker.ping()
        assert job.cancelled
        with pytest.raises(CallRefused) as caught:
            tracker.result()
        assert caught.value.code == "cancelled"


@pytest.mark.parametrize(
    ("error", "code"), [(ValueError("boom"), "value_error"), (KeyboardInterrupt(), "interrupted")]
)
def test_a_job_whose_body_raises_has_failed(
    client: WebSocketClient, worker: WebSocketClient, error: BaseException, code: str
) -> None:
    with pytest.raises(type(error)), worker.start_job(job_id="1"):
        raise error
    with client.job("1") as tracker, pytest.raises(CallRefused) as caught:
        tracker.result()
    assert caught.value.code == code


def test_a_job_that_another_worker_took_over_raises(worker: WebSocketClient) -> None:
    with pytest.raises(StaleAttempt), worker.start_job(job_id="1") as late:  # noqa: PT012
        with worker.start_job(job_id="1") as job:
            assert (late.attempt, job.attempt) == (1, 2)
        late.output("late")
        late.flush()
    with pytest.raises(StaleAttempt), worker.start_job(job_id="1", attempt=1):
        pytest.fail("the body ran")


def test_a_job_without_the_service_scope_raises(client: WebSocketClient) -> None:
    with pytest.raises(PublishDenied), client.start_job(job_id="1"):
        raise AssertionError


def test_health_listeners_and_failing_listeners(
    client: WebSocketClient, caplog: pytest.LogCaptureFixture
) -> None:
    round_trips: queue.Queue[float | None] = queue.Queue()

    def fail(_: object) -> None:
        raise ValueError("boom")

    client.on_health(fail)
    unsubscribe = client.on_health(lambda health: round_trips.put(health.round_trip))
    client.ping()
    assert round_trips.get() is not None
    unsubscribe()
    assert "a listener failed" in caplog.text


def test_callbacks_on_the_connections_thread_must_not_block(
    client: WebSocketClient, worker: WebSocketClient
) -> None:
    refused: queue.Queue[Exception] = queue.Queue()

    def receive(entry: object) -> None:
        assert client.room_status("job:1") is not None
        for call in (client.ping, client.close):  # regression: closing deadlocked
            try:
                call()
            except ConfigurationError as error:
                refused.put(error)

    client.on_entry(receive)
    client.join_room("job:1").result()
    worker.publish(output(1)).result()
    for _ in range(2):
        assert "must not block" in str(refused.get())


def test_throttled_and_paused_handlers(client: WebSocketClient, worker: WebSocketClient) -> None:
    received: queue.Queue[float] = queue.Queue()
    listener = client.on(
        JobProgress, lambda event: received.put(event.progress), room="job:1", throttle=0.01
    )
    client.join_room("job:1").result()
    listener.pause()
    assert listener.is_paused
    for percent in range(10):
        worker.publish(JobProgress(job_id="1", progress=percent, current_step="")).result()
    client.ping()
    listener.resume()
    while received.get() != 9:
        pass


# The end.


def test_ctrl_c_interrupts_a_blocking_call_without_loss(
    client: WebSocketClient, worker: WebSocketClient
) -> None:
    events = client.events(JobOutput, room="job:1")
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        next(events)
    worker.publish(output(1)).result()
    assert next(events).chunk == "1 "
    timer.join()


def test_closing_ends_iterators_of_other_threads(backend: Backend) -> None:
    client = WebSocketClient(backend.url, token=issue_token(SECRET, "ada"))
    client.connect()
    ended: queue.Queue[object] = queue.Queue()

    def read() -> None:
        ended.put(list(client.events(JobOutput, room="job:1")))

    reader = threading.Thread(target=read)
    reader.start()
    while client.room_status("job:1") is None:
        client.ping()
    client.close()
    reader.join()
    assert ended.get() == []


def test_the_events_of_a_closed_client_have_ended(backend: Backend) -> None:
    client = WebSocketClient(backend.url, token=issue_token(SECRET, "ada"))
    events = client.events(JobOutput, room="job:1")
    client.close()
    assert list(events) == []


def test_several_threads_may_close_a_client(client: WebSocketClient) -> None:
    """Regression: all calls but the first raised an error."""
    with ThreadPoolExecutor(3) as threads:
        for closing in [threads.submit(client.close) for _ in range(3)]:
            closing.result()
    assert client.state is ConnectionState.DISCONNECTED
    with pytest.raises(NotConnected):
        client.retry()


def test_a_handler_may_close_its_client(backend: Backend) -> None:
    client = WebSocketClient(backend.url, token=issue_token(SECRET, "w", service=True))
    closed = threading.Event()

    def stop(_: object) -> None:
        client.close()
        closed.set()

    client.on(JobOutput, stop)
    client.connect()
    client.join_room("job:1").result()
    with contextlib.suppress(NotConnected):
        client.publish(output(1)).result()
    closed.wait()
    for thread in threading.enumerate():
        if thread.name.startswith("longwire"):
            thread.join()


def test_calls_in_a_forked_process_raise(backend: Backend) -> None:
    """Regression: every call waited forever for a thread that only the parent process has."""
    script = f"""
import os, sys, warnings
from longwire.errors import NotConnected
from longwire.sync import WebSocketClient
warnings.simplefilter("ignore")  # Python 3.12 and newer warn about forks with threads
client = WebSocketClient({backend.url!r})
child = os.fork()
if child:
    client.close()
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
reported = 0
for call in (client.connect, client.retry, lambda: client.emit("note")):
    try:
        call()
    except NotConnected:
        reported += 1
client.close()
os._exit(reported)
"""
    run = subprocess.run([sys.executable, "-c", script], timeout=15, stdin=subprocess.DEVNULL)
    assert run.returncode == 3


def test_a_script_that_does_not_close_its_client_exits_cleanly(
    backend: Backend, worker: WebSocketClient
) -> None:
    """Regression: each event that arrived while the interpreter exited printed a traceback."""
    token = issue_token(SECRET, "worker", service=True)
    script = f"""
import threading, time
from longwire.catalog import JobOutput
from longwire.sync import WebSocketClient
client = WebSocketClient({backend.url!r}, token={token!r})
client.connect()
received = threading.Semaphore(0)
client.on(JobOutput, lambda event: (received.release(), time.sleep(0.001)), room="job:1")
client.join_room("job:1").result()
for _ in range(50):
    received.acquire()
"""
    run = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    while run.poll() is None:
        for position in [worker.publish(output(1)) for _ in range(20)]:
            position.result()
    assert run.stderr is not None
    with run.stderr:
        assert (run.returncode, run.stderr.read()) == (0, "")


def test_the_result_of_a_handler_acknowledges_the_event(
    client: WebSocketClient, backend: Backend
) -> None:
    client.on("question", lambda value: {"got": value})
    assert backend.ask("question", 1) == [{"got": 1}]
