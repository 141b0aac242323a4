"""Did the intervention make the model better, or only better at looking better?

The public API for plugin authors. Importing it pulls in neither torch nor transformers.
"""

from harness.contract import *  # noqa: F403
