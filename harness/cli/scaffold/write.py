"""Write an installable plugin package from the templates of its kind.

Templates are `string.Template` files: $name (as users type it), $package (its import name), $class_name, $version.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
from collections.abc import Collection
from pathlib import Path
from string import Template

from harness.errors import UsageError

TEMPLATES = Path(__file__).with_name("templates")
SUFFIX = ".tmpl"
KINDS = {"compressor": "compressors", "tasks": "tasks", "trainer": "trainers", "detector": "detectors"}
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def write_package(name: str, kind: str, out: Path, taken: Collection[str] = ()) -> list[Path]:
    """The files written below `out`, which must be free. `taken` are the names of that kind that exist.

    Raises:
        UsageError: the name or kind is invalid, the name is taken, or `out` is not empty.
    """
    package = name.replace("-", "_")
    if not NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is not a valid plugin name", "use lowercase letters, digits and single dashes: my-plugin"
        )
    if kind not in KINDS:
        raise UsageError(f"unknown kind {kind!r}", f"one of {', '.join(KINDS)}")
    if name in taken:
        raise UsageError(f"{name!r} is already taken", "choose another name")
    if importlib.util.find_spec(package):
        raise UsageError(f"a package {package!r} is already installed", "choose another name")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is not empty", "choose a new folder with --out")
    values = {
        "name": name,
        "package": package,
        "class_name": "".join(part.capitalize() for part in name.split("-")),
        "version": importlib.metadata.version("goodhart-harness"),
    }
    written = []
    for folder in (TEMPLATES / "common", TEMPLATES / kind):
        for template in sorted(folder.rglob(f"*{SUFFIX}")):
            relative = str(template.relative_to(folder)).removesuffix(SUFFIX).replace("PACKAGE", package)
            path = out / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(Template(template.read_text(encoding="utf-8")).substitute(values), encoding="utf-8")
            written.append(path)
    return written
