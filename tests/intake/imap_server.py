"""A small IMAP server for tests: enough of RFC 3501 for one mailbox that is read by UID."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class ImapServer:
    """Messages by UID; those in `seen` are not given again, those in `withheld` never.

    `fault` answers every login with a refusal.
    """

    messages: dict[int, bytes] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)
    withheld: set[int] = field(default_factory=set)
    fault: bool = False
    logins: list[str] = field(default_factory=list)
    marked: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, raw: bytes) -> int:
        """Put a message into the mailbox."""
        uid = len(self.messages) + 1
        self.messages[uid] = raw
        return uid

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK ready\r\n")
        while line := await reader.readline():
            tag, _, rest = line.decode().strip().partition(" ")
            word, _, arguments = rest.partition(" ")
            done = self._answer(word.upper(), arguments, writer)
            writer.write(f"{tag} {done}\r\n".encode())
            await writer.drain()
            if word.upper() == "LOGOUT":
                break
        writer.close()

    def _answer(self, word: str, arguments: str, writer: asyncio.StreamWriter) -> str:
        match word:
            case "CAPABILITY":
                writer.write(b"* CAPABILITY IMAP4rev1\r\n")
            case "LOGIN":
                self.logins.append(arguments)
                if self.fault:
                    return "NO [AUTHENTICATIONFAILED] wrong password"
            case "SELECT":
                writer.write(f"* {len(self.messages)} EXISTS\r\n".encode())
            case "UID":
                if arguments.startswith("FETCH") and int(arguments.split(" ")[1]) in self.withheld:
                    return "NO [SERVERBUG] cannot read this message"
                self._uid(*arguments.split(" ", 2), writer=writer)
            case "LOGOUT":
                writer.write(b"* BYE\r\n")
        return "OK done"

    def _uid(self, word: str, what: str, rest: str = "", *, writer: asyncio.StreamWriter) -> None:
        if word == "SEARCH":
            unseen = " ".join(str(uid) for uid in self.messages if uid not in self.seen)
            writer.write(f"* SEARCH {unseen}\r\n".encode())
        elif word == "FETCH":
            most = re.search(r"<0\.(\d+)>", rest)
            assert most
            raw = self.messages[int(what)][: int(most[1])]
            writer.write(f"* 1 FETCH (UID {what} BODY[]<0> {{{len(raw)}}}\r\n".encode() + raw + b")\r\n")
        elif word == "STORE":
            assert rest == r"+FLAGS (\Seen)"
            self.seen.add(int(what))
            self.marked.set()


@asynccontextmanager
async def imap_server(server: ImapServer) -> AsyncIterator[int]:
    """The server on 127.0.0.1; its port."""
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()
