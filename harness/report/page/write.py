"""The page as a file. A large run's texts lie in a folder beside it, so that it opens as quickly as any other."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from harness.report.data import ReportData
from harness.report.page.pack import Texts, pack
from harness.report.page.render import Stored, render_html
from harness.report.table import Report
from harness.store.files import make_folder, write_text, writing

MOST_INSIDE = 10_000  # samples whose texts the page itself holds: about 5 MB


def write_page(path: Path, report: Report, data: ReportData, texts_of: Callable[[str], Texts]) -> None:
    """Write `path` and, for more than `MOST_INSIDE` samples, the folder `<name>-samples-<digest>` beside it.

    The folder is whole before the page names it, and an earlier page's folder goes after that: an interrupted write leaves the
    earlier page as it was.
    """
    inside: dict[int, str] = {}
    if sum(map(len, data.rows.values())) <= MOST_INSIDE:
        index = pack(data, texts_of, inside.__setitem__)
        write_text(path, render_html(report, data, Stored(index, inside)))
        remove(path, keep=None)
        return
    unfinished = path.with_name(f"{path.stem}-samples-unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    make_folder(unfinished)

    digest = sha256()

    def keep(number: int, chunk: str) -> None:
        digest.update(chunk.encode())
        with writing(unfinished):
            (unfinished / f"{number}.js").write_text(f'harnessChunk({number},"{chunk}")')

    index = pack(data, texts_of, keep)
    folder = path.with_name(f"{path.stem}-samples-{digest.hexdigest()[:12]}")
    if folder.exists():
        shutil.rmtree(unfinished)
    else:
        unfinished.rename(folder)
    write_text(path, render_html(report, data, Stored(index, {}, folder.name)))
    remove(path, keep=folder)


def remove(path: Path, keep: Path | None) -> None:
    for former in path.parent.glob(f"{path.stem}-samples-*"):
        if former != keep:
            shutil.rmtree(former, ignore_errors=True)
