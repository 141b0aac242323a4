"""The command line: one file per verb, imported when it is called."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from harness.cli.verbs import VERBS, VerbGroup, add_verbs
from harness.errors import shown

app = typer.Typer(
    name="harness",
    cls=VerbGroup,
    help="Did the intervention make the model better, or only better at looking better?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

add_verbs(app)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"harness {version('goodhart-harness')}")
        raise typer.Exit


@app.callback()
def main_options(
    context: typer.Context,
    plugins_dir: list[Path] = typer.Option(
        [], help="Folder whose *.py files are plugins too.", exists=True, file_okay=False
    ),
    registry: list[Path] = typer.Option([], help="A registry.toml with your own presets (besides ./registry.toml)."),
    p: list[str] = typer.Option(
        [], "-p", metavar="NAME|no:NAME", help="Load a plugin that waits to be named, or leave one out."
    ),
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print it and stop."),
) -> None:
    """Where names come from. These options stand before the verb."""
    from harness.registry.name_sources import NameSources

    context.obj = NameSources(plugins_dirs=tuple(plugins_dir), registries=tuple(registry), **_plugins(p))


def _plugins(flags: list[str]) -> dict[str, tuple[str, ...]]:
    """-p NAME and -p no:NAME."""
    disabled = tuple(flag.removeprefix("no:") for flag in flags if flag.startswith("no:"))
    return {"disabled": disabled, "requested": tuple(flag for flag in flags if not flag.startswith("no:"))}


def _plugin_verbs() -> None:
    """Verbs that plugins bring. The options given on the command line are not parsed yet, so only entry points count."""
    from harness.registry.plugins import load_plugins

    found = load_plugins()
    found.notify("harness_register_commands", cli=app)
    for failure in found.hook_errors:
        print(f"a plugin's verbs are missing: {shown(failure)}", file=sys.stderr)


if len(sys.argv) < 2 or sys.argv[1] not in VERBS:
    _plugin_verbs()
