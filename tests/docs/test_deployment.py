"""What docs/guides/deployment.md shows."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from longwire import issue_token
from tests.docs.snippets import snippets_of

SECRET = "a secret of thirty-two bytes or more"


async def test_routes_with_users_errors_and_a_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "routes.py").write_text(snippets_of("docs/guides/deployment.md")["routes.py"])
    monkeypatch.syspath_prepend(str(tmp_path))
    import routes  # type: ignore[import-not-found]

    transport = httpx.ASGITransport(routes.app)
    async with routes.server, httpx.AsyncClient(transport=transport, base_url="http://x") as http:
        refused = await http.post("/imports", headers={"authorization": "Bearer nonsense"})
        assert (refused.status_code, refused.json()["code"]) == (401, "token_invalid")

        token = issue_token(SECRET, "ada")
        done = await http.post("/imports", headers={"authorization": f"Bearer {token}"})
        assert (done.status_code, done.json()) == (200, {"rows": 42})
        [job] = await routes.server.jobs()
        assert (job.owner, job.status, job.current_step) == ("ada", "completed", "Reading")
