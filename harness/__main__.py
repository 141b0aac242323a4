"""The command `harness`, also as `python -m harness`. Every error that a person can act on is one line on stderr."""

from __future__ import annotations

import atexit
import errno
import logging
import os
import sys
import traceback
from types import TracebackType

CHATTY = ("torchao", "torch.utils._pytree")  # warn on import, whoever imports them, of what no user can act on
BEYOND_US = (
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EIO,
)  # a folder's or disk's fault


def main() -> None:
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)
    from harness.cli import app
    from harness.cli.output import ShownOutput
    from harness.errors import HarnessError, shown

    atexit.register(setattr, sys, "stdout", sys.stdout)  # runs last: Python flushes it, and says where it cannot
    sys.stdout = ShownOutput(sys.stdout)
    sys.excepthook = _tell
    try:
        app()
    except HarnessError as error:
        print(f"error: {shown(str(error))}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # `harness list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        if error.errno not in BEYOND_US:
            raise
        where = f"{shown(str(error.filename))}: " if error.filename is not None else ""  # a write does not say where
        print(f"error: {where}{error.strerror}", file=sys.stderr)
        sys.exit(1)
    finally:
        sys.stdout = sys.stderr  # what a plugin says as it exits is no part of a verb's output


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A bug's traceback, whose words may be a model's or a plugin's."""
    from harness.errors import shown

    for line in "".join(traceback.format_exception(kind, error, trace)).splitlines():
        print(shown(line), file=sys.stderr)


if __name__ == "__main__":
    main()
