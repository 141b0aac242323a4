"""`harness doctor`: is this machine ready, and do the suites' graders pass their own checks?"""

from __future__ import annotations

import json as json_module
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from harness.cli import options as o
from harness.cli.console import plain_table, stdout_console
from harness.cli.context import global_options
from harness.screen.console import stderr_console

if TYPE_CHECKING:
    from harness.contract import SelfCheck
    from harness.registry.name_sources import NameSources

Deep = Annotated[
    bool,
    typer.Option("--deep", help="Hostile programs in every sandbox, and the suites' longer checks, too (minutes)."),
]


def doctor(context: typer.Context, json: o.Json = False, deep: Deep = False) -> None:
    options = global_options(context)
    with stderr_console().status("", spinner="line") as status:
        checks = list(_checks(options, lambda what: status.update(f"checking {what}"), deep))
    if json:
        print(json_module.dumps(checks, indent=1))
    else:
        console = stdout_console()
        table = plain_table("", "what", "finding")
        for check in checks:
            mark = {True: "[green]ok[/]", False: "[red]no[/]", None: "-"}[check["ok"]]
            table.add_row(mark, check["what"], check["finding"].replace("[", r"\["))
        console.print(table)
        for check in checks:
            _print_table(console, check)
    if any(check["ok"] is False for check in checks):
        raise typer.Exit(1)


def _print_table(console: Console, check: dict[str, Any]) -> None:
    if not check.get("table"):
        return
    header, *rows = check["table"]
    table = plain_table(*header, title=check["what"])
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _checks(options: NameSources, say: Callable[[str], None], deep: bool):
    """Every finding in turn; `say` is told about each slow check before it starts."""
    from harness.planning.devices import resolve_device, resolve_dtype
    from harness.running.driver import environment
    from harness.store.paths import cache_folder

    versions = environment()["packages"]
    yield _row(True, "packages", ", ".join(f"{name} {version}" for name, version in versions.items()))
    device = resolve_device("auto")
    yield _row(True, "device", f"{device}, {resolve_dtype('auto', device)}")
    existing = next(path for path in (cache_folder(), *cache_folder().parents) if path.exists())
    free = shutil.disk_usage(existing).free / 2**30
    yield _row(free > 1, "cache", f"{cache_folder()} ({free:.0f} GiB free)")
    for status in options.plugins.statuses:
        yield _row(
            status.error is None, f"plugin {status.name}", status.error or f"{status.distribution} {status.version}"
        )
    options.plugins.register_sandboxes()
    say("sandboxes")
    yield from _sandbox(say, deep)
    say("models")
    yield from _models(options)
    yield from _backends()
    yield from _suites(options, say, deep)


def _sandbox(say: Callable[[str], None], deep: bool):
    from harness.sandbox import available, providers

    means = {provider.name: provider.means for provider in providers()}
    for kind, problem in available().items():
        yield _row(
            problem is None or None, f"sandbox {kind}", problem or "; ".join(["works", *filter(None, [means[kind]()])])
        )
        if deep and problem is None:
            say(f"sandbox {kind} against hostile programs")
            yield _hostile(kind)


def _hostile(kind: str) -> dict[str, Any]:
    from harness.sandbox import open_sandbox, providers
    from harness.sandbox.hostile.examine import examine

    weak = any(provider.name == kind and provider.weak for provider in providers())
    with open_sandbox(kind) as sandbox:
        groups = list(examine(sandbox))
    through = [name for _, _, names in groups for name in names]
    total = sum(count for _, count, _ in groups)
    finding = f"{len(through)} of {total} hostile programs get through" + (f": {', '.join(through)}" if through else "")
    rows = [[group, str(count), str(len(names)), ", ".join(names) or "-"] for group, count, names in groups]
    row = _row(not through or (None if weak else False), f"hostile programs under {kind}", finding)
    return {**row, "table": [["group", "programs", "get through", "which"], *rows]}


def _models(options: NameSources):
    from harness.errors import HarnessError
    from harness.registry.sources import locate_model

    for name in sorted(options.catalogue.models):
        try:
            model = locate_model(name, options.catalogue)
        except HarnessError as error:  # an entry whose package is not installed is no fault
            yield _row(None if options.catalogue.models[name].missing else False, f"model {name}", str(error))
        else:
            yield _row(True, f"model {name}", f"{model.path} (sha256 {model.digest[:12]})")


def _backends():
    """Which of lm-eval's backends are usable here. Whether a server answers is found out by the run that names it."""
    from harness.errors import HarnessError
    from harness.lm_eval.backends.known import KNOWN
    from harness.lm_eval.backends.locate import refuse_uninstalled

    ready = []
    for name in KNOWN:
        try:
            refuse_uninstalled(name)
        except HarnessError as error:
            yield _row(None, f"backend {name}", str(error))
        else:
            ready.append(name)
    yield _row(bool(ready) or None, "lm-eval backends", ", ".join(ready) or "none")


def _suites(options: NameSources, say: Callable[[str], None], deep: bool):
    """Every suite plugin checks its graders, with its default parameters."""
    from harness.contract import DeepChecked
    from harness.errors import HarnessError
    from harness.registry.component import build

    for name in sorted(options.catalogue.plugins.specs["tasks"]):
        say(f"suite {name} on answers of known verdict")
        try:
            component = options.catalogue.resolve("tasks", name)
            suite = build(component, options.catalogue.spec("tasks", component.plugin)[0])
            yield _graded(f"suite {name}", suite.self_check)
            if deep and isinstance(suite, DeepChecked):
                say(f"suite {name} on many more")
                yield _graded(f"suite {name}, deep check", suite.deep_check)
        except HarnessError as error:
            yield _row(None, f"suite {name}", str(error))


def _graded(what: str, run: Callable[[], SelfCheck]) -> dict[str, Any]:
    from harness.errors import HarnessError, described

    try:
        check = run()
    except HarnessError:
        raise
    except Exception as error:  # a plugin's check may raise anything
        return _row(False, what, f"its check raised {described(error)}")
    passed = len(check.checks) - len(check.failures)
    finding = f"{passed} of {len(check.checks)} known answers graded right"
    if check.failures:
        first = check.failures[0]
        finding += f"; {first.name}: expected {first.expected}, got {first.got}"
    finding = "; ".join([finding, *check.notes])
    return {**_row(not check.failures, what, finding), "table": check.table}


def _row(ok: bool | None, what: str, finding: str) -> dict[str, Any]:
    return {"ok": ok, "what": what, "finding": finding}
