"""A mail server that keeps what it is sent, over SMTP as far as one sender needs it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default


@dataclass
class MailServer:
    """What it took, each mail whole."""

    port: int = 0
    received: list[EmailMessage] = field(default_factory=list)

    @property
    def url(self) -> str:
        sender, person = "bakehouse%40example.org", "ann%40example.org"
        return f"mailto://127.0.0.1:{self.port}/?mode=insecure&from={sender}&to={person}"

    @asynccontextmanager
    async def up(self) -> AsyncIterator[None]:
        """It can be reached while the block runs."""
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 test\r\n")
        while line := await reader.readline():
            match line.split(b":")[0].split()[0].upper():
                case b"DATA":
                    writer.write(b"354 go on\r\n")
                    body = await reader.readuntil(b"\r\n.\r\n")
                    mail = BytesParser(EmailMessage, policy=default).parsebytes(body[:-3])
                    assert isinstance(mail, EmailMessage)
                    self.received.append(mail)
                    writer.write(b"250 taken\r\n")
                case b"QUIT":
                    writer.write(b"221 bye\r\n")
                    break
                case _:
                    writer.write(b"250 yes\r\n")
            await writer.drain()
        writer.close()
