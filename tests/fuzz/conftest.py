"""How long to look: a few examples in the suite; `HARNESS_FUZZ=N pytest tests/fuzz` tries N of each kind, new ones every time.

What was found is a test of its own beside the code that it was found in.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

EXAMPLES = int(os.environ.get("HARNESS_FUZZ", "0"))

settings.register_profile(
    "fuzz",
    max_examples=EXAMPLES or 12,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("fuzz")


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("OPENAI_API_KEY", raising=False)
        yield


@pytest.fixture(scope="session")
def catalogue():
    from harness.registry.name_sources import NameSources

    return NameSources().catalogue


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples; each makes what it needs anew."""
    return tmp_path_factory.mktemp("fuzz")
