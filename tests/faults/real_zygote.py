"""The program that has imported everything and forks lives, so that each starts in milliseconds.

It runs no event loop and no thread, and never pays itself: what is forked is clean.
"""

import gc
import importlib
import os
import sys
import traceback
from multiprocessing.connection import Connection
from typing import Final

import structlog

from tests.faults.real_life import live
from tests.faults.real_mutants import MUTANTS
from tests.faults.real_orders import ExitCode, Order
from tests.faults.real_program import die_with_parent, pipe_of_this_program

#: Above the level of everything that is logged.
_SILENT: Final = 50

#: What libraries import only when they are used, which would be in each child anew.
_IMPORTED_LATE: Final = (
    "anyio._backends._asyncio",
    "anyio.streams.tls",
    "httpcore2._async.connection_pool",
    "httpcore2._synchronization",
    "sqlalchemy.dialects.sqlite.aiosqlite",
)


def main() -> None:
    """Answer until the pipe is closed."""
    pipe = pipe_of_this_program()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(_SILENT))
    for module in _IMPORTED_LATE:
        importlib.import_module(module)
    gc.freeze()
    while True:
        try:
            name, *arguments = pipe.recv()
        except EOFError:
            return
        if name == "fork":
            pipe.send(_fork(pipe, *arguments))
        else:
            # Stopped or ended, whichever comes first; -1 is for any child.
            pipe.send(os.waitpid(arguments[0], os.WUNTRACED))


def _fork(pipe: Connection, order: Order) -> int:
    child = os.fork()
    if child:
        return child
    pipe.close()
    die_with_parent()
    # It ends before garbage matters, and collecting it would copy all the memory that is shared.
    gc.disable()
    try:
        MUTANTS[order.mutant]()
        code = live(order)
    except BaseException:  # noqa: BLE001 - whatever it is, it is a find
        with order.report.open("a") as report:
            traceback.print_exc(file=report)
        code = ExitCode.BROKEN
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
