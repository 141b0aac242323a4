"""Built-in compressors."""

from harness_plugins.compressors.caldera.spec import SPECS as CALDERA
from harness_plugins.compressors.libraries.spec import SPECS as LIBRARIES
from harness_plugins.compressors.rtn.spec import SPEC as RTN
from harness_plugins.compressors.rtn_svd.spec import SPEC as RTN_SVD

SPECS = (*CALDERA, RTN, RTN_SVD, *LIBRARIES)
