"""The pytest plugin in users' projects."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.timeout(120)  # each test runs pytest in a new process

AUTO = ["--asyncio-mode=auto", "-o", "asyncio_default_fixture_loop_scope=function"]
STRICT = ["--asyncio-mode=strict", *AUTO[1:]]

TESTS = """
    import pytest
    from longwire import Server, WebSocketClient
    from longwire.catalog import JobOutput, JobProgress
    from longwire.testing import History, Link, ManualClock

    {mark}

    @pytest.fixture
    def longwire_server():
        from longwire.testing import authenticate_by_name
        return Server(authenticate=authenticate_by_name, shared_jobs=True)

    async def test_a_drop(longwire_client, longwire_link, longwire_clock):
        assert longwire_client.user_id == "ada"
        longwire_link.cut()
        await longwire_clock.advance(1)
        assert longwire_client.is_connected
        await longwire_clock.advance(3600)
        assert longwire_client.health.uptime == pytest.approx(3600, abs=1)

    async def test_complete(longwire_client, longwire_link, longwire_history, longwire_server):
        reader = longwire_history.reader("ada")
        reader.follow(longwire_client, "job:1")
        await longwire_client.join_room("job:1")
        await longwire_history.publish(longwire_server, JobOutput(job_id="1", chunk="a"))
        await longwire_history.caught_up()

    async def test_incomplete(longwire_client, longwire_link, longwire_history, longwire_server):
        longwire_history.reader("ada").follow(longwire_client, "job:1")
        await longwire_history.publish(longwire_server, JobOutput(job_id="1", chunk="a"))
"""


@pytest.mark.parametrize(
    ("mark", "options"),
    [
        ("", AUTO),
        ("pytestmark = pytest.mark.asyncio", STRICT),
        ("pytestmark = pytest.mark.anyio", STRICT),
        ("pytestmark = pytest.mark.anyio", ["-p", "no:asyncio"]),
    ],
    ids=["auto", "strict", "anyio beside pytest-asyncio", "anyio alone"],
)
def test_runs_under_each_async_plugin(
    pytester: pytest.Pytester, mark: str, options: list[str]
) -> None:
    pytester.makeconftest(
        """
        import pytest

        @pytest.fixture
        def anyio_backend():
            return "asyncio"
        """
    )
    pytester.makepyfile(TESTS.format(mark=mark))

    result = pytester.runpytest_subprocess("-W", "error", *options)

    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(
        ["*ERROR at teardown of test_incomplete*", "*ada in job:1: offset 1 is lost*"]
    )


def test_rejects_a_backend_other_than_asyncio(pytester: pytest.Pytester) -> None:
    """Regression: the error was that there was no running event loop."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def anyio_backend():
            return "trio"

        @pytest.mark.anyio
        async def test_it(longwire_client):
            raise AssertionError
        """
    )

    result = pytester.runpytest_subprocess("-W", "error", "-p", "no:asyncio")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["Longwire needs asyncio: *anyio_backend*return 'asyncio'"])


def test_the_default_server_accepts_names_as_tokens(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        async def test_it(longwire_link, longwire_client):
            worker = await longwire_link.connect("service:worker")
            assert (worker.user_id, longwire_client.user_id) == ("worker", "ada")
            assert len(longwire_link.server.sockets) == 2
        """
    )

    result = pytester.runpytest_subprocess("-W", "error", *AUTO)

    result.assert_outcomes(passed=1)


def test_a_project_can_override_the_server_and_the_token(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest
        from longwire import Server, issue_token, jwt_authenticator

        SECRET = "a secret of thirty-two bytes or more"

        @pytest.fixture
        async def longwire_server():
            return Server(authenticate=jwt_authenticator(SECRET))

        @pytest.fixture
        def longwire_token():
            return issue_token(SECRET, "grace")
        """
    )
    pytester.makepyfile(
        """
        async def test_it(longwire_client):
            assert longwire_client.user_id == "grace"
        """
    )

    result = pytester.runpytest_subprocess("-W", "error", *AUTO)

    result.assert_outcomes(passed=1)


def test_reports_a_missing_async_plugin(pytester: pytest.Pytester) -> None:
    names = ["longwire_link", "longwire_client", "longwire_clock"]
    pytester.makepyfile("\n".join(f"def test_{name}({name}): pass" for name in names))

    result = pytester.runpytest_subprocess("-p", "no:asyncio", "-p", "no:anyio")

    result.assert_outcomes(errors=3)
    result.stdout.fnmatch_lines([f"*{name} needs pytest-asyncio, or anyio*" for name in names])


def test_projects_that_do_not_use_the_fixtures_load_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_it():
            parts = ("client", "server", "catalog", "schema", "testing.link")
            assert [part for part in parts if f"longwire.{part}" in sys.modules] == []
        """
    )

    result = pytester.runpytest_subprocess("-W", "error", "-p", "no:asyncio", "-p", "no:anyio")

    result.assert_outcomes(passed=1)


@pytest.mark.parametrize("disabled", ["", "1"], ids=["loaded automatically", "loaded by name"])
def test_the_plugin_can_be_loaded_by_name(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, disabled: str
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", disabled)
    pytester.makepyfile("def test_it(longwire_server): assert longwire_server.sockets == []")

    result = pytester.runpytest_subprocess("-p", "longwire.testing.plugin")

    result.assert_outcomes(passed=1)


def test_a_test_that_does_not_advance_the_clock_fails_with_its_location(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(
        test_it="""
        import asyncio

        async def test_forgetful(longwire_clock, longwire_client):
            await asyncio.sleep(25)

        async def test_afterwards(longwire_clock, longwire_client):
            await longwire_clock.advance(100)
            assert longwire_client.is_connected

        async def test_in_real_time(longwire_client):
            await asyncio.sleep(0.01)
        """
    )

    result = pytester.runpytest_subprocess("-W", "error", *AUTO)

    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*StandStill: *the next timer is due in *", "*test_it.py:4)"])
