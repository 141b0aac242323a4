"""Set up a virtual environment for this checkout: `python3 tools/setup.py FOLDER [--dev]`. Standard library only.

torch comes first and by itself: on Linux without an NVIDIA GPU its CPU build is taken where an index offers one, since the
default wheels bring gigabytes of CUDA. bubblewrap, the sandbox for generated code, is installed where that needs no
password; without it everything that runs generated code says what to do.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
MINIMUM = (3, 11)


def main() -> None:
    if sys.version_info < MINIMUM:
        sys.exit(f"error: Python {'.'.join(map(str, MINIMUM))} or newer is needed; run make PYTHON=/path/to/python3.11")
    folder = Path(sys.argv[1])
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"creating {folder}", flush=True)
        venv.create(folder, with_pip=True)
    if not installed(python, "torch"):
        install_torch(python)
    extras = "[dev]" if "--dev" in sys.argv else ""
    pip(python, "install", "--quiet", "-c", str(ROOT / "constraints.txt"), "-e", f"{ROOT}{extras}")
    install_bubblewrap()
    if extras:
        install_chromium()


def install_torch(python: Path) -> None:
    """The tested version; its CPU build where the machine has no NVIDIA driver."""
    pin = next(
        line.strip() for line in (ROOT / "constraints.txt").read_text().splitlines() if line.startswith("torch==")
    )
    gpu = Path("/dev/nvidiactl").exists()
    print(f"installing {pin} ({'CUDA' if gpu else 'CPU'})", flush=True)
    if not gpu and sys.platform == "linux":
        local = pip(python, "install", "--quiet", f"{pin}+cpu", check=False) == 0
        if local or pip(python, "install", "--quiet", "--index-url", CPU_INDEX, pin, check=False) == 0:
            return
    pip(python, "install", "--quiet", pin)


def apt_install(package: str) -> None:
    """Where that needs no password."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"installing {package}", flush=True)
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", package], check=False)


def install_chromium() -> None:
    """For the tests of the report's page, which are skipped without it."""
    if sys.platform == "linux" and not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        apt_install("chromium")


def install_bubblewrap() -> None:
    if shutil.which("bwrap") or sys.platform != "linux":
        return
    apt_install("bubblewrap")
    if not shutil.which("bwrap"):
        print(
            "note: bubblewrap is missing; suites that run generated code need it (apt install bubblewrap)", flush=True
        )


def installed(python: Path, module: str) -> bool:
    return subprocess.run([python, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0


def pip(python: Path, *arguments: str, check: bool = True) -> int:
    errors = None if check else subprocess.DEVNULL
    command = [str(python), "-m", "pip", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, check=check, stderr=errors).returncode


if __name__ == "__main__":
    main()
