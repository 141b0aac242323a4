"""The built-in plugins, installed as `harness_plugins` and found through the same entry point as anyone else's."""
