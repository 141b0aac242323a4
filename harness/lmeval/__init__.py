"""Both directions of the lm-eval integration. Nothing here is imported unless one of them is used."""
