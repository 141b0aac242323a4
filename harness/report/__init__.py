"""From samples to tables: `build(data)` makes a `Report`, which the terminal, Markdown, HTML and JSON renderers only print.

Import from the modules (`harness.report.data`, `harness.report.build`, …): this package file stays free of imports,
so that naming a record costs no numpy.
"""
