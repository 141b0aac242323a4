"""What exists under which name: plugins (code, found by entry points) and presets (data, read from registry.toml)."""

from harness.registry.catalogue import Catalogue, Component, load_catalogue
from harness.registry.plugins import PluginSet, PluginStatus, load_plugins

__all__ = ["Catalogue", "Component", "PluginSet", "PluginStatus", "load_catalogue", "load_plugins"]
