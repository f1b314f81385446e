"""Sending one message to one place, by Apprise. The only module that speaks to it.

Apprise URLs hold passwords and tokens: nothing of them is in a log line or in an error from here.
"""

import asyncio
import logging
import re
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import unquote_plus

from apprise import Apprise, AppriseAsset, NotifyBase, NotifyFormat, NotifyType
from apprise.attachment.memory import AttachMemory
from apprise.manager_plugins import NotificationManager
from apprise.plugins.email.base import NotifyEmail

from bakehouse.alerts.message import Message
from bakehouse.errors import SettingError, UndeliveredError

#: How long a message may take in all, and one connection or answer of it, in seconds.
SEND_SECONDS: Final = 30
_SOCKET_SECONDS_MAX: Final = 10

#: These end on the machine that runs Bakehouse, which nobody looks at.
_LOCAL_SCHEMES: Final = frozenset(
    {"blink1", "dbus", "gio", "glib", "gnome", "kde", "macosx", "qt", "syslog", "vapid", "windows"}
)
#: These have Apprise read a file here and send what is in it.
_FILE_PARAMETERS: Final = frozenset({"keyfile", "pgp", "pgpkey", "pgppub", "subfile", "template"})

_SCHEME: Final = re.compile(r"\s*([A-Za-z0-9]{1,20})://")
_URL_LENGTH_MAX: Final = 4_000
_TAIL_LENGTH: Final = 4
#: A shorter rest could be guessed from its tail.
_TAIL_FROM_LENGTH: Final = 20

_STATUS: Final = re.compile(r"error=(\d{3})\b")
_REQUEST_TIMEOUT: Final = "408"
#: How it is told that there never was a connection to send anything by.
_NO_CONNECTION: Final = re.compile(
    "NewConnectionError|NameResolutionError|ConnectTimeoutError|Connection refused|"
    "Name or service not known|No route to host|Network is unreachable"
)
#: What stands among Apprise's own words for that; the words themselves may name secrets.
_NEVER_CONNECTED: Final = "(never connected)"

#: What Apprise says while it sends, in the context of the one who sends.
_heard: ContextVar[list[str] | None] = ContextVar("apprise_heard", default=None)


def check_url(url: str) -> None:
    """Raise SettingError, which repeats nothing secret, for a URL that leads nowhere sensible.

    Blocks for as long as Apprise needs to be loaded: keep it off an event loop.
    """
    scheme = _scheme(url)
    if scheme in _LOCAL_SCHEMES:
        raise SettingError(
            f"a channel of kind {scheme} ends on the machine that runs Bakehouse: use one that "
            "reaches a person"
        )
    for parameter in sorted(_parameters(url) & _FILE_PARAMETERS):
        raise SettingError(f"leave {parameter} out of the URL: it names a file on this machine")
    _open(url, scheme)


def shown(url: str) -> str:
    """Give as much of a URL as may be shown: its scheme, and the tail of what is not a secret."""
    scheme, _, rest = url.strip().partition("://")
    place = rest.partition("?")[0].rstrip("/")
    # What is before an @, and what follows a question mark, is most often a password.
    tail = place.rpartition("@")[2]
    if len(tail) < _TAIL_FROM_LENGTH:
        return f"{scheme}://…"
    return f"{scheme}://…{tail[-_TAIL_LENGTH:]}"


async def send(url: str, message: Message, seconds: float = SEND_SECONDS) -> None:
    """Send a message; raises UndeliveredError saying why it was not taken, as far as is known.

    It may have arrived all the same, for an answer can be lost: the error's fact `never_taken`
    tells when it surely has not.
    """
    try:
        async with asyncio.timeout(seconds):
            # A thread cannot be stopped: its sockets have time limits of their own.
            refusal = await asyncio.to_thread(_send, url, message)
    except TimeoutError:
        refusal = _Refusal(f"no answer within {seconds:g} s")
    except SettingError as error:
        refusal = _Refusal(error.message, never_taken=True)
    if refusal is not None:
        raise UndeliveredError(f"not delivered: {refusal.reason}", never_taken=refusal.never_taken)


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why a message was not taken, and whether that is certain."""

    reason: str
    never_taken: bool = False


def _send(url: str, message: Message) -> _Refusal | None:
    """Send; give why not, or None when it was taken."""
    service = _open(url, _scheme(url))
    service.socket_connect_timeout = min(service.socket_connect_timeout, _SOCKET_SECONDS_MAX)
    service.socket_read_timeout = min(service.socket_read_timeout, _SOCKET_SECONDS_MAX)
    # Whoever sends decides whether to try again.
    service.retry = 0
    apprise = Apprise(asset=_asset())
    apprise.add(service)
    heard: list[str] = []
    _heard.set(heard)
    try:
        was_taken = apprise.notify(
            title=message.title,
            body=message.body,
            notify_type=NotifyType(message.tone.value),
            body_format=NotifyFormat.TEXT,
            attach=_attachment(service, message),
        )
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything, with the URL in it
        return _Refusal(f"the service failed ({type(error).__name__})")
    if was_taken:
        return None
    refusal = _refusal(heard)
    # With several recipients behind one URL, others may have it.
    return refusal if len(service) == 1 else replace(refusal, never_taken=False)


def _attachment(service: NotifyBase, message: Message) -> AttachMemory | None:
    """Give the picture to a mail, which is one message with it.

    Other services take pictures in a request of their own, which may fail after the text was told.
    """
    if message.picture is None or not isinstance(service, NotifyEmail):
        return None
    picture = message.picture
    return AttachMemory(  # type: ignore[no-untyped-call]  # its maker has no types
        content=picture.png, name=picture.name, mimetype="image/png"
    )


def _refusal(heard: list[str]) -> _Refusal:
    """Give what may be told of Apprise's own words: they can name secrets."""
    said = " ".join(heard)
    if status := _STATUS.search(said):
        # A gateway that answers 5xx may have passed the message on; a 4xx says no.
        refuses = status[1].startswith("4") and status[1] != _REQUEST_TIMEOUT
        return _Refusal(f"the service answered {status[1]}", never_taken=refuses)
    if "onnection error" in said:
        return _Refusal("the service cannot be reached", never_taken=_NEVER_CONNECTED in heard)
    return _Refusal("the service did not take it")


def _scheme(url: str) -> str:
    found = _SCHEME.match(url)
    if found is None or len(url) > _URL_LENGTH_MAX or not url.isprintable():
        raise SettingError("this is not an Apprise URL: one begins with a scheme, as in tgram://")
    return found[1].lower()


def _parameters(url: str) -> set[str]:
    """Give the names of a URL's parameters as Apprise splits them, which is more ways than most."""
    _, *parts = re.split(r"[?&;]", url)
    return {unquote_plus(part.partition("=")[0]).strip().lower() for part in parts}


def _open(url: str, scheme: str) -> NotifyBase:
    _keep_quiet()
    _heard.set([])
    is_native = scheme in {"http", "https"}
    known = NotificationManager()  # type: ignore[no-untyped-call]  # the one name without types
    if not is_native and scheme not in known:
        raise SettingError(f"Apprise knows no service {scheme}://: see its list of services")
    service = Apprise.instantiate(url, asset=_asset())
    if service is not None:
        return service
    if is_native:
        raise SettingError(
            f"no service is known by this {scheme}:// address: a webhook of your own is written "
            "json:// or jsons://"
        )
    raise SettingError(
        f"this {scheme}:// URL cannot be used: Apprise's page of that service says how it is "
        "written, and what it needs installed"
    )


def _asset() -> AppriseAsset:
    # Nothing is kept on disk, and no loop of its own runs beside ours. Messages bear our name, and
    # no pictures that a reader's device would fetch from elsewhere.
    return AppriseAsset(
        app_id="Bakehouse",
        app_desc="Bakehouse",
        async_mode=False,
        storage_mode="memory",
        image_url_mask="",
        image_url_logo="",
    )


class _Listener(logging.Handler):
    """Keeps what Apprise says for whoever is sending, and from everybody else."""

    def emit(self, record: logging.LogRecord) -> None:
        heard = _heard.get()
        if heard is not None:
            heard.append(record.getMessage())


class _ForDebuggers(logging.Filter):
    """Takes one thing from what is told to debuggers, and lets nobody hear any of it."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno >= logging.WARNING:
            return True
        heard = _heard.get()
        if heard is not None and _NO_CONNECTION.search(record.getMessage()):
            heard.append(_NEVER_CONNECTED)
        return False


def _keep_quiet() -> None:
    logger = logging.getLogger("apprise")
    if not any(isinstance(each, _Listener) for each in logger.handlers):
        logger.handlers = [_Listener()]
    if not any(isinstance(each, _ForDebuggers) for each in logger.filters):
        logger.addFilter(_ForDebuggers())
    # Each time: whoever sets up logging may have opened them again.
    logger.propagate = False
    # Why there was no connection is told at this level alone.
    logger.setLevel(logging.DEBUG)
    # It logs paths, which are where many services have their tokens.
    logging.getLogger("urllib3").setLevel(logging.CRITICAL)
