"""What pyproject.toml cannot say: packages under two roots, the folder plugins/ under the name harness_plugins."""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=["harness", "harness.*"]),
        "harness_plugins",
        *(f"harness_plugins.{name}" for name in find_packages("plugins")),
    ],
    package_data={
        "harness": [
            "py.typed",
            "report/**/*.css",
            "report/page/*.js",
            "report/page/*.jinja",
            "cli/scaffold/templates/**/*.tmpl",
            "cli/scaffold/templates/**/.*.tmpl",
        ],
        "harness_plugins": ["**/*.toml", "**/*.json", "**/*.jsonl", "**/*.jinja", "**/*.md", "**/*.safetensors"],
    },
)
