"""What exists under which name: plugins (code, found by entry points), presets (data, read from registry.toml), models."""
