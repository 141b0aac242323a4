"""Libraries that programs may import, each found in a folder of its own: nothing beside it is."""

from __future__ import annotations

import os
import sys


class Offered:
    """A finder for `sys.meta_path`: name -> folder of the package."""

    def __init__(self, folders: dict[str, str]) -> None:
        self._folders = folders

    def find_spec(self, name, path=None, target=None):
        if name not in self._folders:
            return None
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's, of which a program may have few
        from importlib.util import spec_from_file_location

        folder = self._folders[name]
        return spec_from_file_location(name, f"{folder}/__init__.py", submodule_search_locations=[folder])


def offer(folders: dict[str, str]) -> None:
    sys.meta_path.append(Offered(folders))
