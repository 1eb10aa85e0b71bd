"""The threads of a synchronous client: one for the event loop, one for the handlers."""

import asyncio
import concurrent.futures
import contextlib
import inspect
import logging
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from longwire.client import TokenSource
from longwire.client.callbacks import check_plain
from longwire.errors import ConfigurationError, NotConnected

logger = logging.getLogger("longwire.sync")

T = TypeVar("T")


class LoopThread:
    """Runs an event loop in a thread, and calls functions on it for other threads.

    Ctrl-C interrupts a blocking call, and cancels what it waits for. A forked process does not
    have the thread: every call in it raises `NotConnected`.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._handlers = concurrent.futures.ThreadPoolExecutor(1, "longwire handlers")
        self._thread = threading.Thread(target=self._run, name="longwire client", daemon=True)
        self._lock = threading.Lock()
        self._is_closed = False
        self._process = os.getpid()
        self._handler_thread: int | None = None
        self._thread.start()

    def call(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Call a function on the loop's thread, and return its result."""
        if self._is_inside:
            return function(*args, **kwargs)

        async def run() -> T:
            return function(*args, **kwargs)

        return self._await(self._submit(run()))

    def wait(self, start: Callable[..., Awaitable[T]], *args: Any, **kwargs: Any) -> T:
        """Await a coroutine function on the loop's thread, and return its result.

        Raises:
            ConfigurationError: The caller runs on the loop's thread, which would wait for itself.
        """
        self._refuse_to_block()

        async def run() -> T:
            return await start(*args, **kwargs)

        return self._await(self._submit(run()))

    def future(
        self, start: Callable[..., asyncio.Future[T]], *args: Any, **kwargs: Any
    ) -> concurrent.futures.Future[T]:
        """Start an operation on the loop's thread; return its result as a thread's future."""
        outcome: concurrent.futures.Future[T] = concurrent.futures.Future()

        def begin() -> None:
            source = start(*args, **kwargs)
            source.add_done_callback(lambda done: _settle(outcome, done))
            outcome.add_done_callback(lambda done: self._pass_cancel(done, source))

        self.call(begin)
        return outcome

    def off_loop(self, handler: Callable[..., object]) -> Callable[..., Awaitable[object]]:
        """Wrap a handler so that the loop can await it, and it runs on the handlers' thread.

        Raises:
            TypeError: `handler` is not a plain function.
        """
        check_plain(handler)

        async def handle(*args: Any) -> object:
            work = self._hand_over(self._handle, handler, *args)
            return None if work is None else await asyncio.wrap_future(work)

        return handle

    def listener(self, listener: Callable[[T], object]) -> Callable[[T], None]:
        """Wrap a listener so that the loop can call it, and it runs on the handlers' thread.

        Raises:
            TypeError: `listener` is not a plain function.
        """
        check_plain(listener)

        def listen(value: T) -> None:
            self._hand_over(self._listen, listener, value)

        return listen

    def token_source(self, source: TokenSource) -> TokenSource:
        """Wrap a token function, which may block, so that it runs on a thread of its own."""
        if not callable(source):
            return source

        async def ask() -> str:
            answer = await asyncio.to_thread(source)
            return await answer if inspect.isawaitable(answer) else answer

        return ask

    def close(self) -> None:
        """End the loop's thread, then the handlers' thread once its present call has returned.

        A handler may close its own client; its thread ends when it returns.

        Raises:
            ConfigurationError: The caller runs on the loop's thread, which would wait for itself.
        """
        self._refuse_to_block()
        if self._is_forked:
            return
        with self._lock:
            was_closed, self._is_closed = self._is_closed, True
        if was_closed:
            self._thread.join()
            return
        ended = asyncio.run_coroutine_threadsafe(self._end_tasks(), self._loop)
        try:
            ended.result()
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._handlers.shutdown(wait=threading.get_ident() != self._handler_thread)

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called, or this is a forked process."""
        return self._is_closed or self._is_forked

    @property
    def _is_forked(self) -> bool:
        return os.getpid() != self._process

    @property
    def _is_inside(self) -> bool:
        return threading.current_thread() is self._thread

    def _refuse_to_block(self) -> None:
        if self._is_inside:
            raise ConfigurationError("this callback runs on the client's thread and must not block")

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.close()

    async def _end_tasks(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._loop.shutdown_asyncgens()
        await self._loop.shutdown_default_executor()

    def _submit(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        if self._is_forked:
            work.close()
            raise NotConnected("the client belongs to the parent process; create one after forking")
        with self._lock:
            if not self._is_closed:
                return asyncio.run_coroutine_threadsafe(work, self._loop)
        work.close()
        raise NotConnected("the client is closed")

    def _pass_cancel(
        self, outcome: concurrent.futures.Future[T], source: asyncio.Future[T]
    ) -> None:
        if outcome.cancelled():
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(source.cancel)

    def _await(self, future: concurrent.futures.Future[T]) -> T:
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            if not self._is_closed:
                raise
            raise NotConnected("the client is closed") from None
        except BaseException:
            future.cancel()
            raise

    def _hand_over(
        self, function: Callable[..., T], *args: Any
    ) -> concurrent.futures.Future[T] | None:
        """Run a function on the handlers' thread; return None while the interpreter exits."""
        try:
            return self._handlers.submit(function, *args)
        except RuntimeError:
            return None

    def _handle(self, handler: Callable[..., object], *args: Any) -> object:
        self._handler_thread = threading.get_ident()
        return handler(*args)

    def _listen(self, listener: Callable[[T], object], value: T) -> None:
        try:
            self._handle(listener, value)
        except Exception:
            logger.exception("a listener failed")


def _settle(outcome: concurrent.futures.Future[T], done: asyncio.Future[T]) -> None:
    error = None if done.cancelled() else done.exception()
    if done.cancelled():
        outcome.cancel()
    elif not outcome.set_running_or_notify_cancel():
        pass  # the caller has cancelled it
    elif error is not None:
        outcome.set_exception(error)
    else:
        outcome.set_result(done.result())
