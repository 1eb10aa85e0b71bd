"""The public names of the packages, and the modules that importing them loads."""

import subprocess
import sys

from longwire import testing
from tests.exports import SNAPSHOT, describe


def test_the_public_names_and_signatures_are_those_of_the_snapshot() -> None:
    """After an intended change: `python -m tests.exports`."""
    assert describe().splitlines() == SNAPSHOT.read_text().splitlines()


def test_importing_the_package_loads_neither_server_nor_client() -> None:
    code = "import sys, longwire; print(*sorted(m for m in sys.modules if 'longwire' in m))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert loaded.split() == ["longwire", "longwire.types"]


def test_the_client_loads_no_server_and_no_broker() -> None:
    code = "import sys, longwire.client; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    unwanted = ("longwire.server", "longwire.broker", "uvicorn", "fastapi", "redis")
    assert [module for module in loaded if module.startswith(unwanted)] == []


def test_importing_the_testing_package_loads_none_of_its_modules() -> None:
    code = "import sys, longwire.testing; print(*sorted(m for m in sys.modules if 'longwire' in m))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert loaded.split() == ["longwire", "longwire.testing", "longwire.types"]
    assert not hasattr(testing, "nonsense")
