"""The messages for missing dependencies, which name the extra to install."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

WITHOUT = """
import sys

_, hidden, code = sys.argv

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in hidden.split(","):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hidden())
exec(code)
"""
COMMAND = "sys.argv[1:] = ['token', '--user', 'ada']; from longwire.cli import main; main()"
SERVE = "sys.argv[1:] = ['serve', '--port=0']; from longwire.cli import main; main()"


@pytest.mark.parametrize(
    ("hidden", "code", "message"),
    [
        ("click", COMMAND, "longwire: the command line is not installed: pip install"),
        ("fastapi", SERVE, "longwire: fastapi is not installed: pip install 'longwire[cli]'"),
        ("websockets,h11", "from longwire import WebSocketClient", "'longwire[client]'"),
        ("websockets,h11", "import longwire.sync", "'longwire[client]'"),
        ("fastapi", "from longwire.integrations.fastapi import mount", "'longwire[fastapi]'"),
        ("fastapi", "import longwire.web", "'longwire[fastapi]'"),
        ("fastapi", "import longwire; longwire.admin", "'longwire[fastapi]'"),
        (
            "prometheus_client",
            "from longwire import metrics; metrics.asgi(None)",
            "'longwire[metrics]'",
        ),
        ("httptools", "import longwire.server.uvicorn.http", "'longwire[server]'"),
        ("jwt", "import longwire; longwire.jwt_authenticator('x')", "'longwire[jwt]'"),
    ],
)
def test_missing_dependencies_name_their_extra(hidden: str, code: str, message: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT, hidden, code],
        env=os.environ | {"LONGWIRE_SECRET": "a secret"},
        capture_output=True,
        text=True,
        check=False,
        timeout=15,
    )
    assert ended.returncode == 1
    assert message in ended.stderr.splitlines()[-1]


def test_the_command_line_imports_only_declared_dependencies() -> None:
    subprocess.run(
        [sys.executable, "-c", WITHOUT, "typing_extensions", "import longwire.cli.options"],
        check=True,
        timeout=15,
    )
