"""The exit codes of every command; documented in docs/command-line.md. Nothing else lives here."""

from typing import Final

#: Done, and nothing is amiss.
DONE: Final = 0
#: Understood and refused, a source that failed, or a check that found something wrong.
REFUSED: Final = 1
#: What was typed or configured is wrong.
USAGE: Final = 2
#: Nothing failed, but it cannot go on before a person decides.
WAITS: Final = 3
#: Stopped with Ctrl-C: 128 and the number of SIGINT, as shells have it.
INTERRUPTED: Final = 130
