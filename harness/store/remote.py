"""A store that several machines share: folders by name at any URL that fsspec knows (s3://, gs://, file://, memory://).

Contents lie under their sha256 in parts, and a folder is a manifest of them that is written last. So what a kill cut short
looks like nothing at all, an upload goes on where it stopped, two machines that put the same folder there both leave one good
copy, and every byte is checked on the way back. Whether something is there is asked by name; listings are never trusted.
Credentials come from where fsspec's file systems look for them, and are in no URL.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, ValidationError

from harness.contract import Record
from harness.errors import HarnessError, StageError, UsageError
from harness.store.files import make_folder, visible_files, writing
from harness.store.hashing import digest_file, key_of

STORE = "HARNESS_STORE"  # the environment's name for the URL; workers inherit it
PART = 64 << 20  # bytes
AT_ONCE = 4  # parts under way
ATTEMPTS = 5
PAUSE = 0.5  # seconds before the second attempt, doubled before each further one
_RETRIED: list[str] = []  # why this process has had to ask again; appended to by several threads

T = TypeVar("T")


class Part(Record):
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    bytes: int = Field(ge=0)


class FolderManifest(Record):
    """Every file of a folder, and the digest of that list."""

    v: int = 1
    files: dict[str, tuple[Part, ...]]
    digest: str

    @classmethod
    def of(cls, files: dict[str, tuple[Part, ...]]) -> FolderManifest:
        return cls(files=files, digest=_digest(files))

    def size(self, name: str) -> int:
        """Bytes of one file; 0 where there is none."""
        return sum(part.bytes for part in self.files.get(name, ()))


class Transfer(NamedTuple):
    """What had to be moved; the rest was there."""

    files: int = 0
    bytes: int = 0
    retries: int = 0


def store_retries() -> int:
    """How often this process has had to ask a store again."""
    return len(_RETRIED)


def configured_store() -> Remote | None:
    """The store that this process shares, if any."""
    url = os.environ.get(STORE)
    return Remote(url) if url else None


@contextmanager
def shared(made: Path, whole: str) -> Iterator[None]:
    """Around the making of a folder of the cache: fetched before, where the store has it, and put there after. `whole` is the
    file that is written last."""
    remote = configured_store()
    name = f"{made.parent.name}/{made.name}"
    if remote and not (made / whole).is_file():
        remote.pull(name, made)
    yield
    if remote and (made / whole).is_file():
        remote.push(made, name)


class Remote:
    """Raises UsageError for a URL with a secret in it, or one that no installed file system serves."""

    def __init__(self, url: str, pause: float = PAUSE) -> None:
        if "@" in urlsplit(url).netloc or urlsplit(url).query:
            raise UsageError("the store's URL holds a secret or options", "put credentials into the environment")
        import fsspec

        try:
            local = urlsplit(url).scheme in ("", "file")
            self.files, self.root = fsspec.core.url_to_fs(url, **({"auto_mkdir": True} if local else {}))
        except (ImportError, ValueError) as error:
            raise UsageError(f"no store at {url}: {error}", "for s3:// pip install 'goodhart-harness[s3]'") from None
        self.url = url
        self.pause = pause
        self._foretold: set[str] = set()  # parts that dry runs have counted

    def check(self) -> None:
        """Raises UsageError if the store does not answer."""
        try:
            self._get(f"{self.root}/nothing")
        except StageError as error:
            raise UsageError(error.cause, "is the URL right, and are credentials in the environment?") from None

    def push(self, folder: Path, name: str, dry_run: bool = False, leave_out: str = "") -> Transfer:
        """Put a folder there under a name. Its contents first, its manifest last; hidden files stay here, and the subfolder
        `leave_out`."""
        listed = {path.relative_to(folder): path for path in visible_files(folder)}
        found = {relative.as_posix(): path for relative, path in listed.items() if relative.parts[0] != leave_out}
        files: dict[str, tuple[Part, ...]] = {}
        missing: dict[str, tuple[Path, int, Part]] = {}
        moved: set[str] = set()
        there = self.manifest(name)
        known = {part for parts in there.files.values() for part in parts} if there else set()
        for relative, path in found.items():
            files[relative] = tuple(_parts(path))
            for number, part in enumerate(files[relative]):
                foretold = dry_run and part.sha256 in self._foretold
                if part not in known and not foretold and not self._has(part):
                    missing[part.sha256] = (path, number * PART, part)
                    moved.add(relative)
        before = store_retries()
        if dry_run:
            self._foretold |= missing.keys()
        else:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(lambda one: self._put_part(*one), missing.values()))
            manifest = FolderManifest.of(files)
            if manifest != there:
                self._put(self._manifest_path(name), manifest.model_dump_json().encode())
        return Transfer(len(moved), sum(part.bytes for _, _, part in missing.values()), store_retries() - before)

    def pull(self, name: str, folder: Path, dry_run: bool = False) -> Transfer | None:
        """Bring a folder here; files that are here already are left alone. None if the store does not have it whole."""
        manifest = self.manifest(name)
        if manifest is None:
            return None
        wanted = {
            relative: parts
            for relative, parts in manifest.files.items()
            if not (folder / relative).is_file() or tuple(_parts(folder / relative)) != parts
        }
        before = store_retries()
        if not dry_run:
            for relative, parts in wanted.items():
                self._get_file(folder / relative, parts)
        size = sum(part.bytes for parts in wanted.values() for part in parts)
        return Transfer(len(wanted), size, store_retries() - before)

    def manifest(self, name: str) -> FolderManifest | None:
        """None where there is none, or none that is whole."""
        content = self._get(self._manifest_path(name))
        if content is None:
            return None
        try:
            found = FolderManifest.model_validate_json(content)
        except ValidationError:
            return None
        inside = all(_is_inside(name) for name in found.files)
        return found if inside and found.digest == _digest(found.files) else None

    def _manifest_path(self, name: str) -> str:
        return f"{self.root}/folders/{name}.json"

    def _part_path(self, part: Part) -> str:
        return f"{self.root}/parts/{part.sha256[:2]}/{part.sha256}"

    def _has(self, part: Part) -> bool:
        def size() -> int:
            return int(self.files.info(self._part_path(part))["size"])

        try:
            return self._again(size) == part.bytes
        except FileNotFoundError:
            return False

    def _put_part(self, path: Path, start: int, part: Part) -> None:
        with path.open("rb") as file:
            file.seek(start)
            content = file.read(part.bytes)
        if hashlib.sha256(content).hexdigest() != part.sha256:
            raise StageError(f"{path} changed while it was sent", "run the same command again")
        self._put(self._part_path(part), content)

    def _put(self, path: str, content: bytes) -> None:
        try:
            self._again(lambda: self.files.pipe_file(path, content))
        except FileNotFoundError:
            raise UsageError(f"there is no bucket for {self.url}", "make it first") from None

    def _get_file(self, target: Path, parts: tuple[Part, ...]) -> None:
        """All parts, each checked, then a rename."""
        make_folder(target.parent)
        unfinished = target.with_name(f".{target.name[:80]}.{os.getpid()}")
        try:
            with writing(target):
                with unfinished.open("wb") as file:
                    for part in parts:
                        file.write(self._again(partial(self._checked, part)))
                    file.flush()
                    os.fsync(file.fileno())
                unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)

    def _checked(self, part: Part) -> bytes:
        content = bytes(self.files.cat_file(self._part_path(part)))
        if hashlib.sha256(content).hexdigest() != part.sha256:
            raise OSError(f"part {part.sha256[:12]} came back altered")
        return content

    def _get(self, path: str) -> bytes | None:
        try:
            return self._again(lambda: bytes(self.files.cat_file(path)))
        except FileNotFoundError:
            return None

    def _again(self, ask: Callable[[], T]) -> T:
        """Try a few times: servers are busy, and bodies are cut. What is not there is not asked for again."""
        for attempt in range(ATTEMPTS):
            try:
                return ask()
            except (FileNotFoundError, HarnessError):
                raise
            except Exception as error:  # every file system has its own
                cause = f"{type(error).__name__}: {error}"
                if attempt == ATTEMPTS - 1:
                    raise StageError(
                        f"the store {self.url} does not answer: {cause}", "run the same command again"
                    ) from error
                _RETRIED.append(cause)
                time.sleep(self.pause * 2**attempt)
        raise AssertionError


def _parts(path: Path) -> Iterator[Part]:
    size = path.stat().st_size
    for start in range(0, size, PART):
        end = min(start + PART, size)
        yield Part(sha256=digest_file(path, start, end), bytes=end - start)


def _digest(files: dict[str, tuple[Part, ...]]) -> str:
    return key_of({name: [part.model_dump() for part in parts] for name, parts in files.items()})


def _is_inside(name: str) -> bool:
    """Whether a file's name stays in its folder."""
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and "\x00" not in name
