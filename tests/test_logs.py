"""One line an event, in either format; secrets in none of them, wherever they hide."""

import json
import logging
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
import structlog

from bakehouse.logs import LogFormat, configure_logs
from bakehouse.tezos.base58check import Prefix, encode
from bakehouse.tezos.key_file import encrypt_secret_key
from bakehouse.tezos.keys import Curve, SecretKey
from tests.logging_state import logging_given_back

SEED = bytes(range(1, 33))
PLAIN_KEYS = {
    "edsk": encode(Prefix.EDSK_SEED, SEED),
    "long edsk": encode(Prefix.EDSK_SECRET, SEED + SEED),
    "spsk": encode(Prefix.SPSK, SEED),
    "p2sk": encode(Prefix.P2SK, SEED),
}
ENCRYPTED_KEYS = {
    f"encrypted {curve.value}": encrypt_secret_key(SecretKey.from_seed(curve, SEED), "passphrase")
    for curve in Curve
}
KEY = PLAIN_KEYS["edsk"]
#: Stands for what only a name or a place gives away as a secret.
SECRET = "Tr0ub4dor-and-3"

every_format = pytest.mark.parametrize("log_format", LogFormat)

Say = Callable[[], None]


class Log:
    """What was written, by a process that logs in one format."""

    def __init__(self, log_format: LogFormat, level: str = "info") -> None:
        self._stream = StringIO()
        configure_logs(log_format, level, self._stream)

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def event(self) -> dict[str, Any]:
        """The one line that was written, as JSON."""
        [line] = self.lines
        parsed: dict[str, Any] = json.loads(line)
        return parsed


@pytest.fixture(autouse=True)
def logging_of_this_test() -> Iterator[None]:
    with logging_given_back():
        yield


def say(event: str, **values: Any) -> None:
    structlog.get_logger("bakehouse.test").info(event, **values)


def test_an_event_is_one_line_of_json_with_time_and_level() -> None:
    log = Log(LogFormat.JSON)

    say("cycle-finished", baker="tz1", cycle=750, paid=None, share=0.5, is_new=True)

    event = log.event
    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "event": "cycle-finished",
        "level": "info",
        "baker": "tz1",
        "cycle": 750,
        "paid": None,
        "share": 0.5,
        "is_new": True,
    }


def test_an_event_is_one_line_for_people_without_colours_in_a_file() -> None:
    log = Log(LogFormat.CONSOLE)

    say("cycle-finished", baker="tz1", message="two\nlines")

    [line] = log.lines
    assert "[info     ] cycle-finished" in line
    assert "baker=tz1" in line
    assert "\x1b" not in line


def test_lines_of_libraries_look_like_ours() -> None:
    log = Log(LogFormat.JSON)

    logging.getLogger("some.library").warning("%d of %d failed", 1, 2)

    event = log.event
    assert (event["event"], event["level"]) == ("1 of 2 failed", "warning")
    assert "timestamp" in event


def test_an_event_with_a_line_break_is_one_line_of_json_all_the_same() -> None:
    log = Log(LogFormat.JSON)

    logging.getLogger("some.library").warning("first\nsecond")

    assert log.event["event"] == "first\nsecond"


FORGED = "2026-11-25T00:00:00Z [info     ] job-completed"


@pytest.mark.parametrize(
    "separator", ["\n", "\r", "\x0b", "\x1b[2K\x1b[1G", "\x85", "\u2028", "\u202e", "\x08" * 80]
)
@every_format
def test_what_others_sent_writes_no_line_and_no_colour_of_its_own(
    log_format: LogFormat, separator: str
) -> None:
    log = Log(log_format)

    say("request-failed", path=f"/{separator}{FORGED}", spaceless=f"/{separator}x")
    logging.getLogger("some.library").warning("it sent %s", f"{separator}{FORGED}")

    assert len(log.lines) == 2
    assert all(line.isprintable() for line in log.lines)


def read(text: str) -> None:
    raise ValueError(f"cannot read {text}")


@every_format
def test_an_error_that_repeats_what_others_sent_writes_no_event(log_format: LogFormat) -> None:
    log = Log(log_format)

    try:
        read(f"\x1b[2K\n{FORGED}")
    except ValueError:
        structlog.get_logger("bakehouse.test").exception("failed")

    assert "cannot read " in log.text
    assert len([line for line in log.lines if not line.startswith("    ")]) == 1
    assert "\x1b" not in log.text


@every_format
def test_what_is_bound_around_some_work_is_on_every_line_of_it(log_format: LogFormat) -> None:
    log = Log(log_format)

    with structlog.contextvars.bound_contextvars(request_id="abc"):
        say("looking")
        logging.getLogger("some.library").warning("looking too")
    say("done")

    assert ["abc" in line for line in log.lines] == [True, True, False]


@pytest.mark.parametrize(
    ("level", "heard"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_only_what_is_as_grave_as_the_level_is_written(level: str, heard: list[str]) -> None:
    log = Log(LogFormat.JSON, level)
    ours, theirs = structlog.get_logger("bakehouse"), logging.getLogger("some.library")

    for grave in ("debug", "info", "warning", "error"):
        getattr(ours, grave)("ours")
        getattr(theirs, grave)("theirs")

    written = [json.loads(line) for line in log.lines]
    assert [each["level"] for each in written if each["event"] == "ours"] == heard
    assert [each["level"] for each in written if each["event"] == "theirs"] == heard


@pytest.mark.parametrize("library", ["httpx2", "uvicorn", "uvicorn.error", "aiosqlite"])
def test_chatty_libraries_are_heard_from_warnings_on_but_not_past_the_level(library: str) -> None:
    log = Log(LogFormat.JSON)
    logging.getLogger(library).info("GET https://node/ 200")
    assert log.text == ""
    logging.getLogger(library).warning("a connection was dropped")
    assert log.event["event"] == "a connection was dropped"

    quiet = Log(LogFormat.JSON, "error")
    logging.getLogger(library).warning("a connection was dropped")
    assert quiet.text == ""


def test_configuring_anew_does_not_write_twice() -> None:
    Log(LogFormat.JSON)
    log = Log(LogFormat.JSON)

    say("once")

    assert len(log.lines) == 1


# Secrets


@every_format
@pytest.mark.parametrize(
    "secret", [*PLAIN_KEYS.values(), *ENCRYPTED_KEYS.values()], ids=[*PLAIN_KEYS, *ENCRYPTED_KEYS]
)
def test_a_secret_key_is_hidden_whatever_stands_beside_it(
    log_format: LogFormat, secret: str
) -> None:
    log = Log(log_format)

    say(f"read unencrypted:{secret} from x{secret}, {secret}", path=f"/keys?key=%22{secret}%22")

    assert secret not in log.text
    assert log.text.count("[hidden]") == 4


#: Ways in which a secret gets into a log, each told as an event of ours.
PLACES: dict[str, Callable[[str], dict[str, Any]]] = {
    "a value": lambda key: {"value": key},
    "a mapping": lambda key: {"value": {"inner": {"deep": key}}},
    "the name in a mapping": lambda key: {"value": {key: 1}},
    "a mapping by number": lambda key: {"value": {750: key}},
    "a list": lambda key: {"value": [1, [key]]},
    "a tuple": lambda key: {"value": (key,)},
    "a set": lambda key: {"value": {key}},
    "bytes": lambda key: {"value": key.encode()},
    "an error": lambda key: {"error": ValueError(f"cannot read {key}")},
    "an object": lambda key: {"value": type("Thing", (), {"__repr__": lambda _: key})()},
}


@every_format
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
def test_a_secret_key_is_hidden_wherever_it_is(
    log_format: LogFormat, place: Callable[[str], dict[str, Any]]
) -> None:
    log = Log(log_format)

    say("looking", **place(KEY))

    assert KEY not in log.text
    assert "[hidden]" in log.text
    assert "looking" in log.text


@every_format
@pytest.mark.parametrize(
    "name",
    ["api_token", "token", "password", "Passphrase", "client_secret", "Authorization", "cookie"],
)
def test_a_value_is_hidden_for_its_name_also_inside_others(
    log_format: LogFormat, name: str
) -> None:
    log = Log(log_format)

    say("looking", **{name: SECRET})
    say("looking", request={"headers": {name: SECRET}}, cycles={750: "paid"})

    assert SECRET not in log.text
    assert log.text.count("[hidden]") == 2
    assert "paid" in log.text


TEXTS = {
    "a URL": f"GET https://user:{SECRET}@node.example/chains failed",
    "a URL with a password alone": f"redis://:{SECRET}@localhost:6379/0 refused",
    "a URL whose password holds an @": f"https://user:p@{SECRET}@node.example/x",
    "two URLs": f"https://u:{SECRET}@a.example,https://u:{SECRET}@b.example",
    "a bearer token": f"sent Authorization: Bearer {SECRET}",
    "a basic login": f"sent Authorization: Basic {SECRET}",
    "a query": f"GET /api/status?access_token={SECRET}&page=2",
    "JSON": f'{{"api_token": "{SECRET}", "page": 2}}',
    "a Python mapping": f"{{'password': '{SECRET}', 'page': 2}}",
    "keyword arguments": f"connect(host='a', password='{SECRET}')",
}


@every_format
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_a_secret_inside_a_text_is_hidden_and_the_rest_of_it_is_not(
    log_format: LogFormat, text: str
) -> None:
    log = Log(log_format)

    say(text, error=text)
    logging.getLogger("some.library").warning("it said: %s", text)

    assert SECRET not in log.text
    assert log.text.count("[hidden]") == 3 * text.count(SECRET)
    assert all(word in log.text for word in ("it said", "[hidden]"))


def connect() -> None:
    raise ConnectionError(f"https://user:{SECRET}@node refused {KEY}")


@every_format
def test_tracebacks_of_ours_and_of_libraries_show_no_secret(log_format: LogFormat) -> None:
    log = Log(log_format)

    try:
        connect()
    except ConnectionError:
        structlog.get_logger("bakehouse.test").exception("failed")
        logging.getLogger("some.library").exception("failed too")

    assert SECRET not in log.text
    assert KEY not in log.text
    assert log.text.count("ConnectionError: https://[hidden]@node refused [hidden]") == 2


@pytest.mark.parametrize(
    "text",
    [
        "the passphrase does not open this secret key",
        "BAKEHOUSE_API_TOKEN: Input should be a valid string",
        "block BL7RuAiA2vGQM12e3nYXvxGf4RdMHbeuHqhLa2HRM1pzKvVYYyF of tz1RCFbB9GpALpsZtu6J58sb74",
        "https://node.example:8732/chains/main/blocks/head~2/helpers?a=b",
        "a@b.example wrote to c@d.example",
    ],
)
def test_a_text_without_secrets_stays_as_it_is(text: str) -> None:
    log = Log(LogFormat.JSON)

    say(text)

    assert log.event["event"] == text
