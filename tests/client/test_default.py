"""The process-wide client of each URL."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from longwire.client import ConnectionState, get_websocket_client
from longwire.errors import ConfigurationError


def test_the_same_url_returns_the_same_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONGWIRE_URL", "http://one.example")
    client = get_websocket_client()
    assert client.options.url == "http://one.example"
    assert client.state is ConnectionState.DISCONNECTED
    assert get_websocket_client() is client
    assert get_websocket_client("http://one.example") is client
    monkeypatch.setenv("LONGWIRE_URL", "http://two.example")
    assert get_websocket_client().options.url == "http://two.example"


@pytest.mark.parametrize("url", ["", "not an address"])
def test_there_is_no_default_url(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """The specification's client connected to localhost in production."""
    monkeypatch.setenv("LONGWIRE_URL", url)
    with pytest.raises(ConfigurationError):
        get_websocket_client()


def test_the_environment_is_read_at_the_call_and_a_fork_creates_its_own_client() -> None:
    code = """
import os
from longwire.client import get_websocket_client
os.environ["LONGWIRE_URL"] = "http://a"
client = get_websocket_client()
child = os.fork()
if child == 0:
    os._exit(0 if get_websocket_client() is not client else 1)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    environment = {name: value for name, value in os.environ.items() if name != "LONGWIRE_URL"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
