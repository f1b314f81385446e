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
#: A cycle failed before, or a transfer did, and is not taken up by itself.
FAILED: Final = 4
#: Another process signs for the wallet, and did not let go in time.
BUSY: Final = 5
#: There was nothing to do; told only to whoever asks for it, else that is DONE.
NOTHING: Final = 6
#: Stopped with Ctrl-C: 128 and the number of SIGINT, as shells have it.
INTERRUPTED: Final = 130
