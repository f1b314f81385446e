"""The bakehouse command: which commands there are, and what becomes of their errors."""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from bakehouse import __version__
from bakehouse.cli.exit_codes import INTERRUPTED, REFUSED
from bakehouse.cli.refusal import as_line, exit_code_of
from bakehouse.errors import BakehouseError

#: Each command and what the help says of it. It is the module of its name in this package, whose
#: `app` is a Typer with the command, or the group of commands, in it; but for those below.
COMMANDS: Final = {
    "demo": "See it all run against a simulated chain: cycles turn, delegators are paid.",
    "init": "Set up a baker and its wallet, step by step.",
    "run": "Watch the chain, pay what is due, serve the dashboard.",
    "web": "Serve the pages and the API, for a house of several processes.",
    "worker": "Run the jobs of some queues or all, for a house of several processes.",
    "scheduler": "See that nothing is forgotten, for a house of several processes.",
    "migrate": "Bring the ledger to this version, before the processes that share it.",
    "status": "Tell where every baker stands: paid, under way, waiting.",
    "doctor": "Check everything that payments need, and say what to do.",
    "baker": "Register bakers and set their rules.",
    "fees": "Fees of single delegators.",
    "rules": "What else is different for single delegators.",
    "income": "Shares of a baker's income for named addresses.",
    "bond-pool": "Members of the bond pool.",
    "config": "Settings as a file: write, compare, take over.",
    "import": "Move in from TAPS, TRD or TezPay: settings and history, checked on chain.",
    "wallet": "Make, import and fund payout wallets.",
    "key": "Another name of wallet.",
    "user": "Users of the pages, and their roles.",
    "token": "Tokens for programs that use the API.",
    "plan": "Compute a cycle's payout plan, offline; nothing is paid.",
    "simulate": "See what a cycle would pay, by a baker's rules or by others.",
    "pay": "Pay now: a cycle, a month, or all that is due.",
    "transfer": "Send tez from a payout wallet, once.",
    "reveal": "Reveal the key of a payout wallet.",
    "orders": "Transfers by hand: what became of them.",
    "settle": "Make good a difference: pay extra, or deduct.",
    "alerts": "What deserves attention, and where it is sent.",
    "hooks": "Programs of your own that are asked before payments, and told after.",
    "announcements": "What is said in public when a cycle is paid.",
    "verify": "Match what was paid with the chain, both ways.",
    "statistics": "The last cycles in figures: earned, kept, paid.",
    "export": "Write the books as CSV, JSON or PDF; or everything, to leave.",
    "backup": "Copy the ledger to a file, while Bakehouse runs.",
    "restore": "Put a copy in the ledger's place.",
    "go": "Let the first cycle that a baker pays go.",
    "pause": "Switch a baker off at once.",
    "retry": "Have a failed cycle taken up again.",
    "held": "List payouts that are held back, with reasons.",
    "hold": "Keep back what somebody is owed.",
    "release": "Let held payouts be paid after all.",
    "drop": "Never pay held payouts.",
    "cancel": "Make an operation that is in no block yet impossible.",
    "declare-dead": "Decide about an operation whose fate cannot be proven.",
}

#: Commands that live in another module than that of their name, and the Typer there.
_ELSEWHERE: Final = {
    "key": ("wallet", "app"),
    "bond-pool": ("bond_pool", "app"),
    "import": ("import_history", "app"),
    "reveal": ("transfer", "reveal_app"),
    **{
        name: ("controls", name.replace("-", "_"))
        for name in (
            "go",
            "pause",
            "retry",
            "held",
            "hold",
            "release",
            "drop",
            "cancel",
            "declare-dead",
        )
    },
}


class CommandsOnDemand(TyperGroup):
    """Commands of which only the one that runs is imported, so that none delays another."""

    # Typer's own Context and Command are not public, hence Any.
    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the base class's signature
        """Name the commands in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - as above
        """Describe a command for the help, without importing it; None if there is no such one."""
        summary = COMMANDS.get(cmd_name)
        return TyperCommand(cmd_name, help=summary) if summary else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Import the command that the arguments name."""
        name, _, rest = super().resolve_command(ctx, args)
        command = command_of(str(name))
        command.name = name
        return name, command, rest


@cache
def command_of(name: str) -> Any:
    """Import one of COMMANDS, and give it as Typer makes it; its own class is not public."""
    module, attribute = _ELSEWHERE.get(name, (name, "app"))
    with _keeping_what_is_made():
        found = import_module(f"bakehouse.cli.{module}")
    return typer.main.get_command(getattr(found, attribute))


@contextmanager
def _keeping_what_is_made() -> Iterator[None]:
    """Look for no garbage while modules are imported, nor among them later: all of it stays.

    To look takes a fifth of the time in which a command starts.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


def application() -> typer.Typer:
    """Build the command line. Errors are left to `main`, so nothing prints a traceback."""
    app = typer.Typer(
        cls=CommandsOnDemand,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_bakehouse)
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; give its exit code, and on an error one line on standard error.

    The exit codes are those of `exit_codes`.
    """
    command = typer.main.get_command(application())
    try:
        return command.main(arguments, prog_name="bakehouse", standalone_mode=False) or 0
    except BakehouseError as error:
        return _complain(error.message, exit_code_of(error))
    except typer.TyperException as error:
        return _complain(error.format_message(), error.exit_code)
    except OSError as error:
        return _complain(str(error), REFUSED)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED


def _complain(message: str, code: int) -> int:
    # A group called without a command has printed its help, and has nothing to add.
    if message:
        typer.echo(f"bakehouse: {as_line(message)}", err=True)
    return code


def _bakehouse(
    context: typer.Context,
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Pay the delegators and bond-pool members of Tezos bakers, exactly once."""
    if version:
        typer.echo(f"bakehouse {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        # Rich prints the help itself.
        context.get_help()
