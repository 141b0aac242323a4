"""lm-eval's language models as the models that a run samples: in this process, on a server, at a provider.

`record` says which model that is, `known` what lm-eval's backends need and can, `arguments` reads `--backend-args` and keeps
secrets out of files, `locate` finds out when planning whether it can be had, `model` asks it, `sampling` fills a cell's store.
"""
