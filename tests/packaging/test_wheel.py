"""A wheel built from the tree holds everything and works away from it."""

from __future__ import annotations

import subprocess
import sys
import zipfile


def test_the_wheel_holds_plugins_presets_and_the_embedded_model(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "harness_plugins/registry.toml" in names
    assert "harness_plugins/tasks/goodhart/pocket/model.safetensors" in names
    assert "harness/py.typed" in names
    assert not any(name.startswith(("plugins/", "tests/", "benchmarks/")) for name in names)


def test_the_unpacked_wheel_plans_the_main_job_without_the_tree(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); import harness, harness_plugins; "
        "print(harness.__file__, harness_plugins.__file__); from harness.__main__ import main; "
        "sys.argv = ['harness', 'plan', '--compressor', 'ultra3', '--tasks', 'goodhart7']; main()"
    )
    # -S -I and an explicit path: this environment's editable install must not answer for the wheel
    libraries = [path for path in sys.path if path.endswith("site-packages")]
    prelude = f"import sys; sys.path += {libraries!r}; "
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", prelude + code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(str(tmp_path / "site")) == 2
    assert "2 cells" in done.stdout
