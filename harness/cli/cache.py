"""`harness cache`: what the shared cache holds, its removal by age, size and kind, and its copy in a store."""

from __future__ import annotations

import json as json_module
import re
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options as o
from harness.cli.console import plain_table, stdout_console
from harness.errors import UsageError, plural

if TYPE_CHECKING:
    from harness.store.cache import CacheEntry

ARTEFACTS = "artefacts"  # listed one by one, because they take most of the space
SIZES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
TIMES = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}

cache = typer.Typer(name="cache", help="The shared cache of trained and compressed models.", no_args_is_help=True)

Older = Annotated[str | None, typer.Option("--older-than", metavar="AGE", help="Not used for: 12h, 30d, 8w.")]
Larger = Annotated[str | None, typer.Option("--larger-than", metavar="SIZE", help="At least: 500MB, 2GB.")]
Kinds = Annotated[str | None, typer.Option("--kind", help="Comma list of kinds, as `harness cache list` names them.")]


@cache.command("list")
def list_entries(
    older_than: Older = None, larger_than: Larger = None, kind: Kinds = None, json: o.Json = False
) -> None:
    """The cache by kind, and each trained or compressed model, the one used longest ago first."""
    from harness.store.paths import cache_folder

    found = chosen(older_than, larger_than, kind)
    if json:
        rows = [{**one.model_dump(mode="json"), "age_seconds": round(one.age)} for one in found]
        print(json_module.dumps({"folder": str(cache_folder()), "entries": rows}, indent=1))
        return
    kinds: dict[str, list[CacheEntry]] = defaultdict(list)
    for one in found:
        kinds[one.kind].append(one)
    table = plain_table("kind", "entries", "size", "last used")
    for name, members in kinds.items():
        newest = min(one.age for one in members)
        table.add_row(name, str(len(members)), size_text(sum(one.bytes for one in members)), age_text(newest))
    stdout_console().print(table, markup=False)
    if kinds[ARTEFACTS]:
        table = plain_table("artefact", "made by", "size", "last used")
        for one in kinds[ARTEFACTS]:
            table.add_row(one.path.name, maker(one.path), size_text(one.bytes), age_text(one.age))
        stdout_console().print(table, markup=False)
    print(f"{plural(len(found), 'entry')}, {size_text(sum(one.bytes for one in found))} in {cache_folder()}")


@cache.command("clean")
def clean(
    older_than: Older = None,
    larger_than: Larger = None,
    kind: Kinds = None,
    everything: Annotated[bool, typer.Option("--all", help="Whatever its age, size and kind.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and remove nothing.")] = False,
) -> None:
    """Remove entries. All of them can be made again; what a running command is making is kept."""
    from harness.store.cache import remove

    if not (older_than or larger_than or kind or everything):
        raise UsageError("nothing says what to remove", "add --older-than 30d, --larger-than 1GB, --kind NAME or --all")
    gone, busy, failed = 0, 0, 0
    freed = 0
    for one in chosen(older_than, larger_than, kind):
        try:
            removed = dry_run or remove(one)
        except OSError as error:
            failed += 1
            print(f"cannot remove {one.path}: {error.strerror or error}")
            continue
        gone, busy, freed = gone + removed, busy + (not removed), freed + one.bytes * removed
    verb = "would remove" if dry_run else "removed"
    kept = f"; {busy} in the making left alone" if busy else ""
    print(f"{verb} {plural(gone, 'entry')}, {size_text(freed)}{kept}")
    if failed:
        raise typer.Exit(1)


@cache.command("sync")
def sync(
    url: Annotated[str, typer.Argument(metavar="URL", help="A store: s3://BUCKET/PREFIX, gs://…, file:///FOLDER.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be moved, and move nothing.")] = False,
) -> None:
    """Put the trained and compressed models of this machine into a store. A run with --store fetches them from there."""
    from harness.cli.push import said
    from harness.running.remote_run import sync_cache
    from harness.store.remote import Remote

    remote = Remote(url)
    remote.check()
    done = sync_cache(remote, dry_run)
    unfinished = f"; {plural(done.unfinished, 'unfinished one')} left here" if done.unfinished else ""
    print(said(done.moved, "would push" if dry_run else "pushed", plural(done.artefacts, "artefact")) + unfinished)


def chosen(older_than: str | None, larger_than: str | None, kind: str | None) -> list[CacheEntry]:
    """The entries that meet all conditions. Raises UsageError for one that cannot be read."""
    from harness.planning.experiment import split_names
    from harness.store.cache import cache_entries

    age, size = seconds_of(older_than), bytes_of(larger_than)
    entries = cache_entries()
    kinds = split_names(kind or "")
    if unknown := set(kinds) - {one.kind for one in entries}:
        known = ", ".join(sorted({one.kind for one in entries})) or "none: the cache is empty"
        raise UsageError(f"the cache holds no kind {min(unknown)!r}", f"kinds: {known}")
    return [one for one in entries if one.age >= age and one.bytes >= size and (not kinds or one.kind in kinds)]


def maker(path: Path) -> str:
    """What made an artefact, as its own files say."""
    from harness.checkpoints.manifest import MANIFEST

    for name, role in ((MANIFEST, "compressor"), ("TRAINED.json", "trainer")):
        try:
            plugin = json_module.loads((path / name).read_text(encoding="utf-8"))[role]["plugin"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        return f"{role} {str(plugin).rpartition(':')[2]}"
    return "unfinished"


def seconds_of(text: str | None) -> float:
    return _measured(text, TIMES, "--older-than", "12h, 30d or 8w")


def bytes_of(text: str | None) -> float:
    return _measured(text, SIZES, "--larger-than", "500MB or 2GB")


def _measured(text: str | None, units: dict[str, int], option: str, examples: str) -> float:
    """A number and its unit, in the smallest unit; 0 without a text."""
    if text is None:
        return 0.0
    by_name = {name.lower(): factor for name, factor in units.items()}
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]+)", text.strip().lower())
    if match is None or match[2] not in by_name:
        raise UsageError(f"bad {option} {text!r}", f"write {examples}")
    return float(match[1]) * by_name[match[2]]


def size_text(count: float) -> str:
    for unit, factor in reversed(SIZES.items()):
        if count >= factor:
            return f"{count / factor:.1f} {unit}" if factor > 1 else f"{count:.0f} B"
    return "0 B"


def age_text(seconds: float) -> str:
    for unit, factor in reversed(TIMES.items()):
        if seconds >= 2 * factor:
            return f"{seconds / factor:.0f} {unit} ago"
    return "just now"
