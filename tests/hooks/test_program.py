"""A program is run without a shell and with nothing of ours, never longer or louder than it may."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path

import pytest

from bakehouse.errors import HookFailedError, SettingError
from bakehouse.hooks.program import OUTPUT_BYTES_MAX, check_program, run_program
from bakehouse.hooks.question import Request
from bakehouse.ledger.states import HookPoint
from tests.hooks.programs import program

ASKED = Request(HookPoint.BEFORE_PAYING, "before-paying-1", b'{"version":1}')


async def run(path: str, *arguments: str, seconds: float = 10) -> bytes:
    return await run_program([path, *arguments], ASKED, seconds)


async def test_it_reads_what_it_is_asked_and_what_it_writes_is_its_answer(tmp_path: Path) -> None:
    assert await run(program(tmp_path, "cat")) == ASKED.body


async def test_arguments_are_handed_over_as_they_are(tmp_path: Path) -> None:
    echo = program(tmp_path, 'printf "%s|" "$@"')

    assert await run(echo, "a b", "$(id)", "; ls") == b"a b|$(id)|; ls|"


async def test_it_inherits_neither_environment_nor_files_nor_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAKEHOUSE_API_TOKEN", "very-secret")
    monkeypatch.setenv("HOME", "/home/somebody")
    read_end, write_end = os.pipe()
    os.set_inheritable(read_end, True)  # noqa: FBT003 - positional in the standard library
    try:
        seen = (await run(program(tmp_path, "env; pwd; ls /proc/self/fd"))).decode().splitlines()
    finally:
        os.close(read_end)
        os.close(write_end)

    names = {line.partition("=")[0] for line in seen if "=" in line}
    # The shell itself sets what is not ours.
    assert names - {"PWD", "OLDPWD", "SHLVL", "_"} == {"PATH", "LANG", "BAKEHOUSE_HOOK_POINT"}
    assert "BAKEHOUSE_HOOK_POINT=before-paying" in seen
    assert "/" in seen
    assert str(read_end) not in seen


async def test_one_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    hanging = program(tmp_path, f"sleep 600 & echo $! >{pids}; echo $$ >>{pids}; wait")

    with pytest.raises(HookFailedError, match=r"did not answer within 0\.3 s"):
        await run(hanging, seconds=0.3)

    for pid in map(int, pids.read_text().split()):
        await until_gone(pid)


async def test_children_that_it_leaves_behind_are_ended(tmp_path: Path) -> None:
    pids = tmp_path / "pids"

    answer = await run(program(tmp_path, f"sleep 600 & echo $! >{pids}; echo done"))

    assert answer == b"done\n"
    await until_gone(int(pids.read_text()))


async def test_one_that_nobody_waits_for_any_more_is_ended(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    asking = asyncio.create_task(run(program(tmp_path, f"echo $$ >{pids}; sleep 600")))
    async with asyncio.timeout(10):
        while not pids.exists() or not pids.read_text():  # noqa: ASYNC110 - the program writes it
            await asyncio.sleep(0.01)

    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    await until_gone(int(pids.read_text()))


async def test_one_that_writes_without_end_is_ended(tmp_path: Path) -> None:
    with pytest.raises(HookFailedError, match=f"more than {OUTPUT_BYTES_MAX:,} bytes"):
        await run(program(tmp_path, "yes"))


async def test_one_that_fails_is_quoted_without_what_disturbs_a_terminal(tmp_path: Path) -> None:
    failing = program(tmp_path, r"printf 'no\033[31m money\n' >&2; exit 3")

    with pytest.raises(HookFailedError, match=r"ended with code 3: no\?\[31m money$"):
        await run(failing)


async def test_one_that_does_not_read_may_answer_all_the_same(tmp_path: Path) -> None:
    long = Request(HookPoint.PAID, "paid-1", b"x" * 3_000_000)

    assert await run_program([program(tmp_path, "exec 0<&-; echo hi")], long, 10) == b"hi\n"


async def test_one_that_complains_at_length_is_not_kept_waiting(tmp_path: Path) -> None:
    talking = program(tmp_path, "head -c 1000000 /dev/zero >&2; echo hi")

    assert await run(talking) == b"hi\n"


async def test_one_that_is_gone_or_was_opened_to_others_is_not_run(tmp_path: Path) -> None:
    open_to_others = program(tmp_path, "echo hi", "open")
    os.chmod(open_to_others, 0o777)  # noqa: PTH101, S103 - what must not be

    with pytest.raises(HookFailedError, match="others than its owner may change"):
        await run(open_to_others)
    with pytest.raises(HookFailedError, match="cannot be run: No such file"):
        await run(str(tmp_path / "gone"))


async def test_one_that_cannot_be_started_says_why(tmp_path: Path) -> None:
    path = program(tmp_path, "", interpreter="/nowhere")

    with pytest.raises(HookFailedError, match="cannot be started"):
        await run(path)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "up to 49 arguments"),
        (["/bin/true", "a\nb"], "each a line"),
        (["true"], "by its whole path"),
        (["/nowhere/hook"], "cannot be run"),
        (["/tmp"], "not a file that can be run"),  # noqa: S108 - a folder is no program
    ],
)
def test_what_is_no_program_is_refused_on_entry(arguments: list[str], complaint: str) -> None:
    with pytest.raises(SettingError, match=complaint):
        check_program(arguments)


def test_a_file_that_is_no_program_is_refused_on_entry(tmp_path: Path) -> None:
    path = Path(program(tmp_path, ""))
    path.chmod(0o644)

    with pytest.raises(SettingError, match=r"not a file that can be run: chmod \+x"):
        check_program([str(path)])


async def until_gone(pid: int) -> None:
    """Wait until a killed process has ended: the kernel takes its time, and who hangs is told."""
    async with asyncio.timeout(10):
        while is_alive(pid):  # noqa: ASYNC110 - nobody tells when somebody else's child ends
            await asyncio.sleep(0.01)


def is_alive(pid: int) -> bool:
    """Whether a process still runs: one that nobody has collected yet has ended all the same."""
    with suppress(OSError):
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return False
