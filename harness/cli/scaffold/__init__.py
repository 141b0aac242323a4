"""New plugin packages, written from templates: `harness new-plugin`."""
