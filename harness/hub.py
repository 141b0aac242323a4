"""Models of the Hugging Face hub as local folders: from the cache at once, else downloaded. Imports no torch."""

from __future__ import annotations

import json
from pathlib import Path

from harness.errors import ModelError

TIMEOUT = 10.0  # seconds until the hub counts as unreachable
FILES = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"]  # no pickled weights, no code


def hub_snapshot(hub_id: str) -> Path:
    """The folder of a hub model. One in the cache is used as it lies there: a run neither waits for the network nor
    changes with it. Raises ModelError, at once when offline, if it is not there and cannot be had."""
    return _cached(hub_id) or _download(hub_id)


def _cached(hub_id: str) -> Path | None:
    """The hub id's snapshot in the local cache if its weights are complete."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(hub_id, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return None
    return folder if (folder / "config.json").is_file() and _has_all_weights(folder) else None


def _has_all_weights(folder: Path) -> bool:
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        shards = set(json.loads(index.read_text())["weight_map"].values())
        return all((folder / shard).is_file() for shard in shards)
    return (folder / "model.safetensors").is_file()


def _download(hub_id: str) -> Path:
    from huggingface_hub import HfApi, constants, snapshot_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, HFValidationError, RepositoryNotFoundError

    absent = f"no folder named {hub_id!r} here, and the hub model of that name is not in the local cache"
    if constants.HF_HUB_OFFLINE:
        raise ModelError(f"{absent}; HF_HUB_OFFLINE forbids fetching it", "give a folder, or download it beforehand")
    try:
        HfApi().model_info(hub_id, timeout=TIMEOUT)
        return Path(snapshot_download(hub_id, allow_patterns=FILES))
    except GatedRepoError:
        raise ModelError(f"the hub model {hub_id!r} is gated", "accept its terms, then `hf auth login`") from None
    except (RepositoryNotFoundError, HFValidationError):
        raise ModelError(f"no folder and no public hub model is named {hub_id!r}", "check the name") from None
    except (HfHubHTTPError, OSError) as error:
        raise ModelError(f"{absent}; fetching it failed: {one_line(error)}") from None
    except Exception as error:  # the hub's HTTP library raises its own errors, and which library that is has changed
        if not type(error).__module__.startswith(("httpx", "requests", "urllib3")):
            raise
        raise ModelError(f"{absent}; the hub cannot be reached: {one_line(error)}", "give a local folder") from None


def one_line(error: BaseException) -> str:
    """The kind of an error and the first line of what it says."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__
