"""What a shell proposes for names: of a comma list, the part after the last comma."""

from __future__ import annotations

from collections.abc import Callable


def names(*kinds: str) -> Callable[[str], list[str]]:
    """Completion of names of these kinds ("compressors", "models")."""

    def complete(incomplete: str) -> list[str]:
        from harness.registry.name_sources import NameSources

        catalogue = NameSources().catalogue
        before, comma, last = incomplete.rpartition(",")
        known = [name for kind in kinds for name in (catalogue.models if kind == "models" else catalogue.presets[kind])]
        return [f"{before}{comma}{name}" for name in sorted(known) if name.startswith(last)]

    return complete
