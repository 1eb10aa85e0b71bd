"""An application's own contract types the client and the hooks of the built npm package."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from longwire.codegen import generate_typescript
from tests.typing.own_contract import contract

pytestmark = pytest.mark.timeout(120)

ROOT = Path(__file__).parents[2]
PAGE = Path(__file__).parent / "own_contract/page.tsx"
STRICT = {
    "strict": True,
    "exactOptionalPropertyTypes": True,
    "noUncheckedIndexedAccess": True,
    "noUnusedLocals": True,
    "noEmit": True,
    "jsx": "react-jsx",
    "target": "es2022",
    "lib": ["es2022", "dom"],
    "types": [],
}


def compiled(folder: Path, text: str, module: str = "esnext", resolution: str = "bundler") -> str:
    """Compile the page with a contract module; return the errors of the compiler."""
    (folder / "contract.ts").write_text(text, encoding="utf-8")
    shutil.copy(PAGE, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    if not (folder / "node_modules").exists():
        (folder / "node_modules").symlink_to(ROOT / "node_modules")
    options = STRICT | {"module": module, "moduleResolution": resolution}
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": options}))
    compiler = ROOT / "node_modules/.bin/tsc"
    return subprocess.run(
        [compiler, "-p", folder], capture_output=True, text=True, check=False
    ).stdout


def test_own_events_type_the_client_the_hooks_and_the_test_server(tmp_path: Path) -> None:
    text = generate_typescript(contract, register=True)
    assert compiled(tmp_path, text) == ""
    assert compiled(tmp_path, text, "nodenext", "nodenext") == ""


def test_a_renamed_field_is_a_compile_error(tmp_path: Path) -> None:
    text = generate_typescript(contract, register=True)
    errors = compiled(tmp_path, text.replace("  productId: string;", "  product: string;"))
    assert "page.tsx" in errors
    assert "'productId' does not exist" in errors


def test_a_module_that_is_not_registered_leaves_the_catalogue(tmp_path: Path) -> None:
    errors = compiled(tmp_path, generate_typescript(contract))
    assert '"stock:changed"\' is not assignable' in errors
