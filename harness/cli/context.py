"""What the verbs share: the plugins and presets that names are looked up in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import typer

    from harness.registry.name_sources import NameSources


def global_options(context: typer.Context) -> NameSources:
    """What the options before the verb say, and else the defaults."""
    from harness.registry.name_sources import NameSources

    return context.obj or NameSources()
