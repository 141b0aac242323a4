"""Built-in compressors."""

from harness_plugins.compressors.caldera.spec import SPECS as CALDERA
from harness_plugins.compressors.libraries.spec import SPECS as LIBRARIES

SPECS = (*CALDERA, *LIBRARIES)
