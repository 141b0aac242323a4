"""The one thing pyproject.toml cannot say: packages found under two roots, registry.toml copied in beside the built-ins."""

from pathlib import Path
from shutil import copyfile

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
copyfile(ROOT / "registry.toml", ROOT / "plugins" / "registry.toml")

setup(
    packages=[
        *find_packages(include=["harness", "harness.*"]),
        "harness_plugins",
        *(f"harness_plugins.{name}" for name in find_packages("plugins")),
    ],
    package_data={"harness": ["py.typed"], "harness_plugins": ["**/*.toml", "**/*.json", "**/*.jsonl", "**/*.md", "**/*.safetensors"]},
)
