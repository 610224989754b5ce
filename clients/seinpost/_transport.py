# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""NATS behind four verbs: send an envelope, pull a stream, read one, read a checkpoint. The only file that imports it.

Denied publishes reach nats-py through its error callback alone and would otherwise look like a time-out;
here they become ``RefusedError`` at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from seinpost_schemas.errors import Reason, RefusedError, SetupError, UnavailableError
from seinpost_schemas.limits import NEXT_EXPIRES_SECONDS
from seinpost_schemas.subjects import direct_read_subject, inbox_prefix, next_subject, reset_subject

from ._channel import load_channel, refused_certificate, untrusted_server
from ._nats_client import SafeClient
from .config import Config
from .identity import Identity

_CONNECT_SECONDS = 5.0
_REQUEST_SECONDS = 10.0
_HEARTBEAT_SECONDS = 5.0
_BATCH = 64
READ_BATCH = 64
"""Messages in one direct read."""
_MAX_QUEUED = 4 * _BATCH
_MAX_PULL_BYTES = 16 * 1024 * 1024
_MAX_READ_BYTES = 4 * 1024 * 1024
_MAX_HEARD = 256
_MAX_HEARD_BYTES = 128 * 1024
_PENDING_BYTES = 256 * 1024 * 1024
_VIOLATION = re.compile(r"permissions violation for (?:publish|subscription) to \"([^\"]+)\"", re.IGNORECASE)

_COMPLETED = "Batch Completed"
_FULL = "Message Size Exceeds MaxBytes"
"""What a server says of a pull that gave all it was asked for, and of one whose next message would not fit."""
_Inbox = asyncio.Queue[Msg | None]


class StoredMessage(msgspec.Struct, frozen=True):
    """A message as a stream holds it; ``seq`` from 1."""

    seq: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """What the client needs of the network."""

    async def send(self, subject: str, data: bytes, msg_id: str | None) -> bool:
        """Store an envelope durably on our ingress; whether it was, or its ``msg_id`` was there already.

        Safe to repeat byte for byte: the server drops a repeated ``msg_id`` within two minutes, and the broker
        answers a logged envelope again. Raises ``RefusedError`` for a denial or a full quota,
        ``UnavailableError`` when nothing is known.
        """
        ...

    def pull(
        self, stream: str, consumer: str, first_seq: int, *, gaps: bool = False
    ) -> AsyncIterator[StoredMessage]:
        """Everything from ``first_seq`` on, in order, for ever; survives reconnects.

        ``gaps``: the consumer is filtered, so that sequences between are another's.
        """
        ...

    async def read_from(
        self, stream: str, first_seq: int, limit: int = READ_BATCH, *, subject: str | None = None
    ) -> list[StoredMessage]:
        """Up to ``limit`` messages from ``first_seq`` on, without a consumer; empty when there are none yet.

        Of one ``subject`` alone, if given.
        """
        ...

    async def read_last(self, subject: str) -> bytes | None:
        """The newest message under a direct-get subject; ``None`` when there is none."""
        ...

    async def read_last_at(self, subject: str) -> StoredMessage | None:
        """The same, with its sequence."""
        ...

    async def tell(self, subject: str, data: bytes) -> None:
        """Say something to whoever listens now; whether anyone did is not known."""
        ...

    def listen(self, subjects: str) -> AsyncIterator[tuple[str, bytes]]:
        """(subject, data) of what is said on these subjects from now on; what comes too fast is dropped."""
        ...

    async def wait_refused(self) -> None:
        """Wait until the server lets this identity in no more, and raise ``RefusedError`` then."""
        ...

    async def close(self) -> None:
        """Leave."""
        ...


async def _verify_party(client: Client, refusal: list[Exception], config: Config) -> None:
    """Raise ``RefusedError`` when the server takes our certificate for another party's: then no answer would come."""
    inbox = await client.subscribe(client.new_inbox())
    await client.flush()
    await inbox.unsubscribe()
    if any(_VIOLATION.search(str(error)) for error in refusal):
        await client.close()
        raise RefusedError(
            Reason.UNKNOWN_SENDER,
            f"the server at {config.server} does not know our certificate as one of {config.party}",
        )


def _is_unknown(errors: Sequence[Exception]) -> bool:
    """Whether the server said that it does not know the user; nats-py has no one error for that."""
    said = [str(e).lower() for e in errors]
    # "Authentication timeout" is a slow handshake, on a busy machine or line: it says nothing of who we are.
    return any(("authorization" in s or "authentication" in s) and "timeout" not in s for s in said)


def _hung_up(errors: Sequence[Exception]) -> bool:
    """Whether the server made the handshake, looked at our certificate and hung up: it is not pinned."""
    return any("empty response" in str(e) for e in errors)


class NatsTransport:
    """One connection of one identity."""

    def __init__(
        self,
        client: Client,
        denied: dict[str, set[asyncio.Future[Any]]],
        pulls: set[_Inbox],
        ended: asyncio.Event,
    ) -> None:
        self._client = client
        # Set when the server lets us in no more: what is merely away is tried again for ever.
        self._ended = ended
        # Requests under way, by subject: what ends one early (a denial, a lost connection) is set on it.
        self._denied = denied
        # Inboxes of running pulls; None in one says that the connection was lost, and is there again.
        self._pulls = pulls

    @classmethod
    async def connect(cls, config: Config, identity: Identity) -> NatsTransport:
        """Connect; raises ``UnavailableError`` or, when the server does not know us, ``RefusedError``."""
        url, party, channel = config.server, identity.party, load_channel(config)
        denied: dict[str, set[asyncio.Future[Any]]] = {}
        pulls: set[_Inbox] = set()
        refusal: list[Exception] = []
        ended = asyncio.Event()

        async def on_error(error: Exception) -> None:
            refusal.append(error)
            del refusal[:-5]
            # Also a server that pins certificates, and hangs up on ours: it was on record when this began.
            if _is_unknown([error]) or (channel is not None and _hung_up([error])):
                ended.set()
            match = _VIOLATION.search(str(error))
            # nats-py gives the server's sentence in lower case.
            for future in denied.get(match.group(1).lower(), ()) if match else ():
                if not future.done():
                    future.set_exception(_denial(match.group(1) if match else ""))

        async def on_disconnect() -> None:
            # What was under way will not be answered on the next connection: its sender tries again at once.
            for future in [f for waiting in denied.values() for f in waiting]:
                if not future.done():
                    future.set_exception(
                        UnavailableError("the connection to the server was lost; trying again")
                    )

        async def on_reconnect() -> None:
            # A server that was away knows nothing of what it was asked: without this, pulls wait for its silence.
            for queue in pulls:
                queue.put_nowait(None)

        try:
            client = SafeClient(channel)
            await asyncio.wait_for(
                client.connect(
                    url,
                    nkeys_seed_str=None if channel and channel.is_user else identity.nats_seed,
                    name=f"seinpost {party}",
                    inbox_prefix=inbox_prefix(party).encode(),
                    connect_timeout=int(_CONNECT_SECONDS),
                    allow_reconnect=True,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=0.5,
                    error_cb=on_error,
                    disconnected_cb=on_disconnect,
                    reconnected_cb=on_reconnect,
                ),
                _CONNECT_SECONDS,
            )
        except (nats.errors.Error, TimeoutError, OSError) as error:
            if untrusted := untrusted_server([error, *refusal]):
                raise SetupError(f"the server at {url} is not trusted: {untrusted}") from None
            if refused_certificate([error, *refusal]):
                raise SetupError(
                    f"the server at {url} does not take our certificate: another CA, expired, or none"
                ) from None
            if channel is not None and _hung_up([error, *refusal]):
                raise RefusedError(
                    Reason.UNKNOWN_SENDER,
                    f"the server at {url} hangs up on our certificate; is it on record in the register?",
                ) from None
            if _is_unknown([error, *refusal]):
                raise RefusedError(
                    Reason.UNKNOWN_SENDER,
                    f"the server at {url} does not know this identity of {party}; is it in the register?",
                ) from None
            if any("connections exceeded" in str(e).lower() for e in [error, *refusal]):
                raise UnavailableError(
                    f"{party} has as many connections to {url} as the register lets it have; end another process first"
                ) from None
            raise UnavailableError(
                f"no broker answers at {url}; is it running, and is the address right?"
            ) from None
        except ValueError:
            raise SetupError(f"{url!r} is not a server address; write nats://host:port") from None
        if channel is not None and channel.is_user:
            await _verify_party(client, refusal, config)
        return cls(client, denied, pulls, ended)

    @contextlib.asynccontextmanager
    async def answering(
        self, subject: str, answer: Callable[[bytes], Awaitable[bytes]]
    ) -> AsyncIterator[None]:
        """Answer every request on ``subject`` while the context lasts, one at a time; the server knows when it begins.

        Raises ``UnavailableError``.
        """

        async def take(message: Msg) -> None:
            with contextlib.suppress(nats.errors.Error, OSError):
                await message.respond(await answer(message.data))

        try:
            subscription = await self._client.subscribe(subject, cb=take)
            await self._client.flush()
        except (nats.errors.Error, TimeoutError, OSError) as error:
            raise UnavailableError(f"the server did not answer ({type(error).__name__}); try again") from None
        try:
            yield
        finally:
            with contextlib.suppress(nats.errors.Error, OSError):
                await subscription.unsubscribe()

    async def wait_refused(self) -> None:
        """Wait until the server lets this identity in no more, and raise ``RefusedError`` then."""
        await self._ended.wait()
        raise RefusedError(
            Reason.UNKNOWN_SENDER,
            "the server lets this identity in no more: it was revoked, or its mandate has ended; ask a registrar",
        )

    async def close(self) -> None:
        """See ``Transport``."""
        # While the server is away nats-py flushes into a transport that is closed, which is a RuntimeError.
        with contextlib.suppress(nats.errors.Error, OSError, TimeoutError, RuntimeError):
            await asyncio.wait_for(self._client.close(), 5)

    async def _request(self, subject: str, data: bytes, headers: dict[str, str] | None = None) -> Msg:
        """One request, which a permission denial ends at once."""
        loop = asyncio.get_running_loop()
        denial: asyncio.Future[Msg] = loop.create_future()
        waiting = self._denied.setdefault(subject.lower(), set())
        waiting.add(denial)
        request = asyncio.ensure_future(
            self._client.request(subject, data, timeout=_REQUEST_SECONDS, headers=headers)
        )
        try:
            done, _ = await asyncio.wait({denial, request}, return_when=asyncio.FIRST_COMPLETED)
            return await done.pop()
        except nats.errors.NoRespondersError:
            raise UnavailableError("the server has no stream for this; is the broker running?") from None
        except (nats.errors.Error, TimeoutError, OSError) as error:
            raise UnavailableError(f"the server did not answer ({type(error).__name__}); try again") from None
        finally:
            waiting.discard(denial)
            if not waiting:
                self._denied.pop(subject.lower(), None)
            for future in (denial, request):
                future.cancel()
            # Waits without raising what became of it; a cancellation of our own still comes through.
            await asyncio.wait({request})
            if not request.cancelled():
                request.exception()

    async def send(self, subject: str, data: bytes, msg_id: str | None) -> bool:
        """See ``Transport``."""
        reply = await self._request(subject, data, {"Nats-Msg-Id": msg_id} if msg_id else None)
        try:
            ack = msgspec.json.decode(reply.data)
        except msgspec.DecodeError:
            raise UnavailableError("the server's acknowledgement is not in its form") from None
        error = ack.get("error") if isinstance(ack, dict) else {}
        if error:
            if error.get("err_code") in (10077, 10047, 10054):
                raise RefusedError(
                    Reason.QUOTA, "this party's ingress is full; wait until the broker has caught up"
                )
            raise UnavailableError(f"the server did not store the envelope (error {error.get('err_code')})")
        return not (isinstance(ack, dict) and ack.get("duplicate"))

    async def read_last(self, subject: str) -> bytes | None:
        """See ``Transport``."""
        stored = await self.read_last_at(subject)
        return stored.body if stored is not None else None

    async def read_last_at(self, subject: str) -> StoredMessage | None:
        """See ``Transport``."""
        reply = await self._request(subject, b"")
        status = (reply.headers or {}).get("Status")
        if status == "404":
            return None
        if status is not None:
            raise UnavailableError(f"the server did not give the newest checkpoint (status {status})")
        headers = reply.headers or {}
        return StoredMessage(int(headers.get("Nats-Sequence", "0")), headers, reply.data)

    async def read_from(
        self, stream: str, first_seq: int, limit: int = READ_BATCH, *, subject: str | None = None
    ) -> list[StoredMessage]:
        """See ``Transport``."""
        inbox = self._client.new_inbox()
        queue: asyncio.Queue[Msg] = asyncio.Queue()
        # Not next_msg: it waits with wait_for, and Python 3.11's forgets a cancellation that comes with a message.
        subscription = await self._client.subscribe(inbox, cb=queue.put, pending_bytes_limit=_PENDING_BYTES)
        of = {} if subject is None else {"next_by_subj": subject}
        request = msgspec.json.encode({"seq": first_seq, "batch": limit, "max_bytes": _MAX_READ_BYTES, **of})
        found: list[StoredMessage] = []
        try:
            await self._client.publish(direct_read_subject(stream), request, reply=inbox)
            while True:
                async with asyncio.timeout(_REQUEST_SECONDS):
                    message = await queue.get()
                headers = message.headers or {}
                status = headers.get("Status")
                if status in ("204", "404"):
                    return found
                if status is not None:
                    raise UnavailableError(f"{stream} cannot be read from {first_seq} on (status {status})")
                found.append(StoredMessage(int(headers["Nats-Sequence"]), headers, message.data))
        except (nats.errors.Error, TimeoutError, OSError) as error:
            raise UnavailableError(f"the server did not answer ({type(error).__name__}); try again") from None
        finally:
            with contextlib.suppress(nats.errors.Error, OSError):
                await subscription.unsubscribe()

    async def tell(self, subject: str, data: bytes) -> None:
        """See ``Transport``."""
        with contextlib.suppress(nats.errors.Error, OSError):
            await self._client.publish(subject, data)

    async def listen(self, subjects: str) -> AsyncIterator[tuple[str, bytes]]:
        """See ``Transport``."""
        queue: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()

        async def take(message: Msg) -> None:
            if queue.qsize() < _MAX_HEARD and len(message.data) <= _MAX_HEARD_BYTES:
                queue.put_nowait((message.subject, message.data))

        subscription = await self._client.subscribe(subjects, cb=take)
        try:
            while True:
                yield await queue.get()
        finally:
            with contextlib.suppress(nats.errors.Error, OSError):
                await subscription.unsubscribe()

    async def pull(
        self, stream: str, consumer: str, first_seq: int, *, gaps: bool = False
    ) -> AsyncIterator[StoredMessage]:
        """See ``Transport``."""
        expected = first_seq
        rewound = False
        while True:
            async with self._pulling(stream, consumer, expected) as messages:
                async for message in messages:
                    if message.seq < expected:
                        continue
                    if message.seq > expected and not gaps and not rewound:
                        # Lost on the way (a slow reader, a reconnect): ask once more from where we are.
                        rewound = True
                        break
                    rewound = False
                    expected = message.seq + 1
                    yield message

    @contextlib.asynccontextmanager
    async def _pulling(
        self, stream: str, consumer: str, seq: int
    ) -> AsyncIterator[AsyncIterator[StoredMessage]]:
        await self._reset(stream, consumer, seq)
        queue: _Inbox = asyncio.Queue()
        self._pulls.add(queue)

        async def take(message: Msg) -> None:
            # Never more than was asked for: what is above that is dropped, and asked for again.
            if queue.qsize() < _MAX_QUEUED:
                queue.put_nowait(message)

        inbox = self._client.new_inbox()
        subscription = await self._client.subscribe(inbox, cb=take, pending_bytes_limit=_PENDING_BYTES)
        try:
            yield self._messages(queue, next_subject(stream, consumer), inbox)
        finally:
            self._pulls.discard(queue)
            with contextlib.suppress(nats.errors.Error, OSError):
                await subscription.unsubscribe()

    async def _reset(self, stream: str, consumer: str, seq: int) -> None:
        while True:
            try:
                reply = await self._request(reset_subject(stream, consumer), b'{"seq":%d}' % seq)
                break
            except UnavailableError:
                await asyncio.sleep(0.5)
        error = msgspec.json.decode(reply.data).get("error")
        if error:
            raise UnavailableError(f"{stream} cannot be read from {seq} on (error {error.get('err_code')})")

    async def _messages(self, queue: _Inbox, subject: str, inbox: str) -> AsyncIterator[StoredMessage]:
        """Messages of running pulls; ends when the server has gone silent, for the caller to start over."""
        request = msgspec.json.encode(
            {
                "batch": _BATCH,
                "expires": NEXT_EXPIRES_SECONDS * 1_000_000_000,
                "idle_heartbeat": int(_HEARTBEAT_SECONDS * 1_000_000_000),
                "max_bytes": _MAX_PULL_BYTES,
            }
        )
        open_pulls = 0
        received = 0
        while True:
            # Two pulls stand open, so that the next batch flows while this one is worked on.
            while open_pulls < 2:
                with contextlib.suppress(nats.errors.Error, OSError):
                    await self._client.publish(subject, request, reply=inbox)
                open_pulls += 1
            try:
                # Not wait_for: Python 3.11's forgets a cancellation that comes together with a message.
                async with asyncio.timeout(3 * _HEARTBEAT_SECONDS):
                    message = await queue.get()
            except TimeoutError:
                return
            if message is None:
                return
            status = (message.headers or {}).get("Status")
            if status == "100":
                continue
            if status is not None:
                what = (message.headers or {}).get("Description", "")
                if what.startswith(_COMPLETED):
                    # Counted already, by its messages; not every server says so.
                    continue
                # The older of the pulls has ended, whatever part of its batch had come.
                open_pulls -= 1
                received = 0
                if status not in ("404", "408") and not what.startswith(_FULL):
                    # 409 and 503: the consumer or the server went away; not in a tight loop.
                    await asyncio.sleep(0.2)
                continue
            received += 1
            if received == _BATCH:
                received = 0
                open_pulls -= 1
            yield StoredMessage(int(message.reply.split(".")[5]), message.headers or {}, message.data)


def _denial(subject: str) -> RefusedError:
    parts = subject.split(".")
    what = f"to {parts[4]} on {parts[2]}/{parts[3]}" if subject.startswith("seinpost.in.") else "to do this"
    return RefusedError(Reason.MANDATE, f"the server denies this identity the right {what}")
