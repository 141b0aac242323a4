"""Did the intervention make the model better, or only better at looking better?

The public API for plugin authors: the contract, and the mark of a hook. Importing it pulls in neither torch nor transformers.
"""

from harness import contract
from harness.contract import *  # noqa: F403
from harness.contract.hooks import hookimpl

__all__ = [*contract.__all__, "hookimpl"]
