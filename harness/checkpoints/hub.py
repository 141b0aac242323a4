"""Models of the Hugging Face hub as local folders: from the cache at once, else downloaded. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.checkpoints.shards import KEEP, RemoteFile, names_at_hand, streamed_folder
from harness.checkpoints.weight_files import weight_files
from harness.errors import ModelError, NoSuchModel
from harness.store.paths import cache_folder

TIMEOUT = 10.0  # seconds until the hub counts as unreachable
FILES = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"]  # no pickled weights, no code


def hub_snapshot(hub_id: str) -> Path:
    """The folder of a hub model. A cached one is used as it is, so that a run neither waits for the network nor depends
    on it. Raises ModelError if it is not cached and cannot be downloaded; at once when offline."""
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
    try:
        return bool(weight_files(folder, names_at_hand(folder)))
    except ModelError:
        return False


def _download(hub_id: str) -> Path:
    from huggingface_hub import HfApi, snapshot_download

    with _hub_errors(hub_id):
        HfApi().model_info(hub_id, timeout=TIMEOUT)
        return Path(snapshot_download(hub_id, allow_patterns=FILES))


def hub_streamed(hub_id: str) -> Path:
    """A folder of the hub model for compressing: the cached one, or one whose shards are fetched one by one (see
    `shards`)."""
    cached = _cached(hub_id)
    if cached:
        return cached
    with _hub_errors(hub_id):
        remote = HubRemote(hub_id)
        if len(remote.shards()) <= KEEP:  # nothing to gain
            return _download(hub_id)
        name = f"{hub_id.replace('/', '--')}@{remote.revision[:12]}"
        return streamed_folder(remote, cache_folder() / "streamed" / name)


class HubRemote:
    """A hub model at one revision, the newest if none is given."""

    def __init__(self, hub_id: str, revision: str | None = None) -> None:
        from huggingface_hub import HfApi

        info = HfApi().model_info(hub_id, revision=revision, files_metadata=True, timeout=TIMEOUT)
        self.hub_id, self.revision = hub_id, str(info.sha)
        self.source = f"hub:{hub_id}@{self.revision}"
        self.siblings = {file.rfilename: file for file in info.siblings or ()}

    def shards(self) -> dict[str, RemoteFile]:
        """Root-level safetensors; the hub knows the sha256 of what it keeps in large-file storage."""
        return {
            name: RemoteFile(bytes=file.lfs.size, sha256=file.lfs.sha256)
            for name, file in self.siblings.items()
            if name.endswith(".safetensors") and "/" not in name and file.lfs
        }

    def companions(self) -> list[str]:
        kinds = tuple(pattern.removeprefix("*") for pattern in FILES if pattern != "*.safetensors")
        return [name for name in self.siblings if name.endswith(kinds) and "/" not in name]

    def head(self, shard: str, count: int) -> bytes:
        from huggingface_hub import hf_hub_url
        from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

        url = hf_hub_url(self.hub_id, shard, revision=self.revision)
        answer = get_session().get(url, headers={**build_hf_headers(), "Range": f"bytes=0-{count - 1}"})
        hf_raise_for_status(answer)
        return bytes(answer.content[:count])

    def fetch(self, name: str, folder: Path) -> None:
        from huggingface_hub import hf_hub_download

        with _hub_errors(self.hub_id):
            hf_hub_download(self.hub_id, name, revision=self.revision, local_dir=folder)


@contextmanager
def _hub_errors(hub_id: str) -> Iterator[None]:
    """Turn what the hub's client raises into one line with cause and remedy."""
    from huggingface_hub import constants
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, HFValidationError, RepositoryNotFoundError

    absent = f"no folder named {hub_id!r} here, and the hub model of that name is not in the local cache"
    if constants.HF_HUB_OFFLINE:
        raise NoSuchModel(f"{absent}; HF_HUB_OFFLINE forbids fetching it", "give a folder, or download it beforehand")
    try:
        yield
    except GatedRepoError:
        raise ModelError(f"the hub model {hub_id!r} is gated", "accept its terms, then `hf auth login`") from None
    except (RepositoryNotFoundError, HFValidationError):
        raise NoSuchModel(f"no folder and no public hub model is named {hub_id!r}", "check the name") from None
    except (HfHubHTTPError, OSError) as error:
        raise ModelError(f"{absent}; fetching it failed: {one_line(error)}") from None
    except Exception as error:  # the hub's HTTP library raises its own errors, and which library that is has changed
        if not type(error).__module__.startswith(("httpx", "requests", "urllib3")):
            raise
        raise NoSuchModel(f"{absent}; the hub cannot be reached: {one_line(error)}", "give a local folder") from None


def one_line(error: BaseException) -> str:
    """The kind of an error and the first line of what it says."""
    try:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    except Exception:  # an error of a library that cannot even be shown
        lines = []
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__
