"""What `import longwire` offers, and what it costs."""

import subprocess
import sys

import longwire
from longwire import testing


def test_every_public_name_can_be_imported() -> None:
    assert [name for name in longwire.__all__ if not hasattr(longwire, name)] == []


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


def test_the_testing_tools_are_imported_when_they_are_used() -> None:
    code = "import sys, longwire.testing; print(*sorted(m for m in sys.modules if 'longwire' in m))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert loaded.split() == ["longwire", "longwire.testing", "longwire.types"]
    assert [name for name in testing.__all__ if not hasattr(testing, name)] == []
    assert not hasattr(testing, "nonsense")
