"""Our suites as lm-eval tasks; the other direction is the suite plugin `lm-eval`. Imported only when it is used."""
