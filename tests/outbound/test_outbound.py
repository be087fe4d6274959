"""Requests go where the policy says and nowhere else, and every failure says whether it may have arrived."""

import asyncio
import gzip
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import BadInput
from bot.outbound import Guard, Limits, MayHaveArrived, NotSent, Outbound, PinnedResolver, UnsafeAddress

LOCAL = Guard(allowed_hosts=frozenset(), allow_loopback_http=True)
LISTED = Guard(
    allowed_hosts=frozenset({"hooks.example.com", "*.partner.example", "bücher.example", "odd.example:8443"}),
    allow_loopback_http=False,
)
QUICK = Limits(connect=1, read=0.3, total=0.8, body=1_000)
PUBLIC, PRIVATE = "93.184.215.14", "10.0.0.7"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def receiver(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def raw_receiver(talk: Talk) -> AsyncIterator[str]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"


def names(*answers: Sequence[str]) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    """A name server that gives these answers in turn."""
    turns = iter(answers)

    async def lookup(host: str, port: int) -> Sequence[str]:
        return next(turns)

    return lookup


@pytest.mark.parametrize(
    ("url", "used"),
    [
        ("https://hooks.example.com/a?b=c", "https://hooks.example.com/a?b=c"),
        ("HTTPS://HOOKS.Example.COM/a", "https://hooks.example.com/a"),
        ("https://hooks.example.com:443/a", "https://hooks.example.com/a"),
        ("https://a.partner.example/", "https://a.partner.example/"),
        ("https://a.b.partner.example/", "https://a.b.partner.example/"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
        ("https://odd.example:8443/", "https://odd.example:8443/"),
    ],
)
def test_a_listed_host_over_https_is_allowed(url: str, used: str) -> None:
    assert str(LISTED.check_url(url)) == used


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "begin with https"),
        ("hooks.example.com/a", "begin with https"),
        ("ftp://hooks.example.com/a", "begin with https"),
        ("javascript:alert(1)", "begin with https"),
        ("https:///a", "not a web address"),
        ("https://", "not a web address"),
        ("http://hooks.example.com/a", "over https"),
        ("https://other.example.com/", "does not list other.example.com"),
        ("https://partner.example/", "does not list"),
        ("https://evilpartner.example/", "does not list"),
        ("https://hooks.example.com.evil.example/", "does not list"),
        ("https://hooks.example.com:22/", "does not list hooks.example.com:22"),
        ("https://odd.example/", "does not list"),
        ("https://hooks.example.com:99999/", "not a web address"),
        ("https://user:pass@hooks.example.com/", "user name"),
        ("https://hooks.example.com@evil.example/", "user name"),
        ("https://hooks%2eexample.com/", "escaped host"),
        ("https://hooks.example.com/#@evil.example", "fragment"),
        ("https://hooks.example.com#", "fragment"),
        ("https://hooks.example.com./", "full stop"),
        ("https://hooks.example.com\\@evil.example/", "backslash"),
        ("https://hooks.example.com/\r\nX: y", "control character"),
        ("https://hooks.example.com /", "blank"),
        ("\thttps://hooks.example.com/", "blank"),
        ("https://hooks.example.com/" + "a" * 2_048, "2,048"),
        ("https://127.0.0.1/", "this machine itself"),
        ("http://localhost/", "this machine itself"),
        ("https://[::1]/", "this machine itself"),
        ("https://localhost./", "full stop"),
        ("https://[::ffff:127.0.0.1]/", "bare address"),
        ("https://0x7f000001/", "bare address"),
        ("https://2130706433/", "bare address"),
        ("https://0177.0.0.1/", "bare address"),
        ("https://127.1/", "bare address"),
        ("https://169.254.169.254/latest", "bare address"),
        ("https://93.184.215.14/", "bare address"),
        ("https://１２７.0.0.1/", "this machine itself"),
    ],
)
def test_any_other_address_is_refused_with_its_reason(url: str, words: str) -> None:
    with pytest.raises(UnsafeAddress) as refusal:
        LISTED.check_url(url)
    assert words in refusal.value.sentence


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:3001/x", "http://localhost/x", "http://[::1]:9/x", "https://localhost/"]
)
def test_local_mode_may_call_this_machine(url: str) -> None:
    assert str(LOCAL.check_url(url)) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost./",
        "http://127.0.0.2/",
        "http://127.1/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://0.0.0.0/",
        "http://[::]/",
        "http://[::ffff:127.0.0.1]/",
        "http://10.0.0.1/",
        "http://169.254.169.254/",
        "http://localhost.evil.example/",
        "http://user@localhost/",
    ],
)
def test_local_mode_opens_nothing_but_the_three_names_of_this_machine(url: str) -> None:
    with pytest.raises(UnsafeAddress):
        LOCAL.check_url(url)


@given(st.text(max_size=40))
def test_no_text_gets_past_the_guard_to_an_unlisted_host(text: str) -> None:
    for url in (text, f"https://{text}", f"https://hooks.example.com{text}"):
        try:
            checked = LISTED.check_url(url)
        except UnsafeAddress:
            continue
        assert checked.scheme == "https"
        assert checked.raw_host == "hooks.example.com" or str(checked.raw_host).endswith(".partner.example")


@pytest.mark.parametrize(
    "entry", ["", "*", "*.com", "a b", "https://a.example", "a.example/x", "10.0.0.1", "a.*.example"]
)
def test_a_policy_entry_that_names_no_host_is_refused(entry: str) -> None:
    with pytest.raises(BadInput):
        Guard(allowed_hosts=frozenset({entry}), allow_loopback_http=False)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.0.0.7",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "168.63.129.16",
        "169.254.169.254",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.19.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:93.184.215.14",
        "::7f00:1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "3fff::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "no address",
    ],
)
async def test_a_name_that_leads_inside_is_refused(address: str) -> None:
    resolver = PinnedResolver(LISTED, names([PUBLIC, address]))
    with pytest.raises(UnsafeAddress, match=r"hooks\.example\.com"):
        await resolver.resolve("hooks.example.com", 443)


async def test_a_public_name_is_pinned_to_just_the_addresses_that_were_checked() -> None:
    resolver = PinnedResolver(LISTED, names([PUBLIC, "2606:2800:21f:cb07:6820:80da:af6b:8b2c"]))
    found = await resolver.resolve("hooks.example.com", 443)
    assert [(one["host"], one["family"]) for one in found] == [
        (PUBLIC, socket.AF_INET),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", socket.AF_INET6),
    ]
    assert all(one["flags"] == socket.AI_NUMERICHOST for one in found)


async def test_a_name_that_resolves_public_then_private_is_refused_the_second_time() -> None:
    asked: list[str] = []
    answers = names([PUBLIC], [PRIVATE])

    async def lookup(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return await answers(host, port)

    resolver = PinnedResolver(LISTED, lookup)
    assert [one["host"] for one in await resolver.resolve("hooks.example.com", 443)] == [PUBLIC]
    async with Outbound(LISTED, limits=QUICK, lookup=lookup) as outbound:
        with pytest.raises(UnsafeAddress, match=PRIVATE):
            await outbound.post("https://hooks.example.com/x", body=b"{}", headers={})
    assert len(asked) == 2


async def test_a_post_carries_body_and_headers_and_brings_the_answer_back() -> None:
    seen: list[tuple[str, bytes, str | None, str | None]] = []

    async def handler(request: web.Request) -> web.Response:
        headers = request.headers
        seen.append((request.method, await request.read(), headers.get("webhook-id"), headers.get("Cookie")))
        return web.Response(status=201, text="fine", headers={"X-Answer": "yes", "Set-Cookie": "a=b"})

    async with receiver(handler) as url, Outbound(LOCAL) as outbound:
        response = await outbound.post(url, body=b'{"a":1}', headers={"webhook-id": "dlv_1"})
        for _ in range(2):
            await outbound.post(url.replace("127.0.0.1", "localhost"), body=b"", headers={})
    assert (response.status, response.body, response.headers["x-answer"]) == (201, b"fine", "yes")
    assert seen == [("POST", b'{"a":1}', "dlv_1", None), *[("POST", b"", None, None)] * 2]


@pytest.mark.parametrize("status", [204, 410, 500])
async def test_any_status_is_an_answer(status: int) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=status)

    async with receiver(handler) as url, Outbound(LOCAL) as outbound:
        assert (await outbound.post(url, body=b"", headers={})).status == status


async def test_a_redirect_is_brought_back_and_never_followed() -> None:
    visited: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        visited.append(request.path)
        return web.Response(status=302, headers={"Location": "/inside"})

    async with receiver(handler) as url, Outbound(LOCAL) as outbound:
        response = await outbound.post(url, body=b"", headers={})
    assert (response.status, visited) == (302, ["/hook"])


async def test_a_proxy_in_the_environment_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    async def handler(request: web.Request) -> web.Response:
        return web.Response()

    async with receiver(handler) as url, Outbound(LOCAL) as outbound:
        assert (await outbound.post(url, body=b"", headers={})).status == 200


async def test_a_refused_connection_was_not_sent() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with Outbound(LOCAL, limits=QUICK) as outbound:
        with pytest.raises(NotSent, match="refused the connection"):
            await outbound.post(f"http://127.0.0.1:{port}/", body=b"", headers={})


async def test_a_name_without_an_address_was_not_sent() -> None:
    async def nowhere(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    for lookup in (nowhere, names([])):
        async with Outbound(LISTED, limits=QUICK, lookup=lookup) as outbound:
            with pytest.raises(NotSent, match="does not resolve"):
                await outbound.post("https://hooks.example.com/", body=b"", headers={})


async def test_a_name_server_that_hangs_was_not_sent() -> None:
    async def hang(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(30)
        return []

    async with Outbound(LISTED, limits=QUICK, lookup=hang) as outbound:
        with pytest.raises(NotSent, match="in time"):
            await outbound.post("https://hooks.example.com/", body=b"", headers={})


async def test_a_header_with_a_line_break_was_not_sent() -> None:
    async with Outbound(LOCAL) as outbound:
        with pytest.raises(NotSent, match="line break"):
            await outbound.post("http://127.0.0.1:9/", body=b"", headers={"a": "b\r\nc: d"})


async def test_an_unsafe_address_was_not_sent() -> None:
    async with Outbound(LISTED) as outbound:
        with pytest.raises(NotSent, match="does not list"):
            await outbound.post("https://evil.example/", body=b"", headers={})


async def test_a_receiver_that_does_not_answer_may_have_acted() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(2)

    async with raw_receiver(silent) as url, Outbound(LOCAL, limits=QUICK) as outbound:
        with pytest.raises(MayHaveArrived, match="did not answer in time") as doubt:
            await outbound.post(url, body=b"{}", headers={})
    assert doubt.value.status is None


async def test_a_receiver_that_hangs_up_may_have_acted() -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()

    async with raw_receiver(reset) as url, Outbound(LOCAL, limits=QUICK) as outbound:
        with pytest.raises(MayHaveArrived, match="hung up"):
            await outbound.post(url, body=b"{}", headers={})


async def test_an_answer_that_breaks_off_may_have_acted() -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nshort")
        await writer.drain()

    async with raw_receiver(cut) as url, Outbound(LOCAL, limits=QUICK) as outbound:
        with pytest.raises(MayHaveArrived, match="hung up") as doubt:
            await outbound.post(url, body=b"{}", headers={})
    assert doubt.value.status == 200


async def test_an_answer_that_is_not_http_may_have_acted() -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 mail.example ESMTP\r\n\r\n")
        await writer.drain()

    async with raw_receiver(babble) as url, Outbound(LOCAL, limits=QUICK) as outbound:
        with pytest.raises(MayHaveArrived, match="not HTTP"):
            await outbound.post(url, body=b"{}", headers={})


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"])
async def test_a_slow_drip_ends_at_the_overall_deadline(start: bytes) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(start or b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while True:
            writer.write(b"a")
            await writer.drain()
            await asyncio.sleep(0.05)

    loop = asyncio.get_running_loop()
    async with raw_receiver(drip) as url, Outbound(LOCAL, limits=QUICK) as outbound:
        started = loop.time()
        with pytest.raises(MayHaveArrived, match="in time"):
            await outbound.post(url, body=b"{}", headers={})
        assert 0.7 < loop.time() - started < 3


@pytest.mark.parametrize("said", [True, False])
async def test_a_huge_answer_is_not_read_to_its_end(said: bool) -> None:
    written = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse(headers={"Content-Length": "100000000"} if said else {})
        await response.prepare(request)
        while written < 100_000_000:
            await response.write(b"x" * 10_000)
            written += 10_000
        return response

    async with receiver(handler) as url, Outbound(LOCAL) as outbound:
        with pytest.raises(MayHaveArrived, match="more than 65,536 bytes") as doubt:
            await outbound.post(url, body=b"{}", headers={})
    assert doubt.value.status == 200
    assert written < 50_000_000


async def test_a_compressed_answer_is_never_unpacked() -> None:
    bomb = gzip.compress(b"0" * 10_000_000)

    async def handler(request: web.Request) -> web.Response:
        assert request.headers["Accept-Encoding"] == "identity"
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    async with receiver(handler) as url, Outbound(LOCAL) as outbound:
        assert (await outbound.post(url, body=b"", headers={})).body == bomb


async def test_cancelling_a_post_is_passed_on() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(2)

    async with raw_receiver(silent) as url, Outbound(LOCAL) as outbound:
        post = asyncio.create_task(outbound.post(url, body=b"", headers={}))
        await asyncio.sleep(0.1)
        post.cancel()
        with pytest.raises(asyncio.CancelledError):
            await post


@pytest.fixture
def own_certificate(tmp_path: Path) -> tuple[Path, Path]:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("makes its certificate with the openssl program, which is not installed")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    files = ("-keyout", str(key), "-out", str(certificate))
    subject = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", *files, *subject]
    subprocess.run(command, check=True, capture_output=True)
    return key, certificate


async def test_a_certificate_that_nobody_vouches_for_was_not_sent(own_certificate: tuple[Path, Path]) -> None:
    key, certificate = own_certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    reached: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    async with server:
        url = f"https://localhost:{server.sockets[0].getsockname()[1]}/"
        async with Outbound(LOCAL, limits=QUICK) as outbound:
            with pytest.raises(NotSent, match="certificate is not trusted"):
                await outbound.post(url, body=b"", headers={})
        assert reached == []
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("SSL_CERT_FILE", str(certificate))
            async with Outbound(LOCAL, limits=QUICK) as outbound:
                assert (await outbound.post(url, body=b"", headers={})).status == 204
    assert len(reached) == 1
