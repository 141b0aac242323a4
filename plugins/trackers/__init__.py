"""Experiment trackers as plugins, loaded on request: `harness -p mlflow run …`. Each writes where its library is set to write.

A cell is one run of the tracker. Training rows are logged in the cell's worker while they are made; what its verdicts came
to is logged in the driver, when the cell has ended.
"""
