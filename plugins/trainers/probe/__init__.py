"""The distillation probe: does a hack direction see the hacks of a checkpoint that learned them, and only them?

A teacher pool is replayed: each reply's NLL gradient is compared with the direction, then the policy is trained on the pool
with the direction projected out. Seven checks of the published experiments are made on it (`checks`), with a control for length
that they lacked. A check that the data cannot decide is "not measurable", which is not a pass.
"""
