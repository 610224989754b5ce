# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""JetStream behind the broker's ports; the only place where nats-py's exceptions are seen."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Any, TypeVar

import msgspec
import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext, api

from seinpost_broker.adapters.channel import Channel
from seinpost_broker.adapters.nats_client import SafeClient
from seinpost_broker.core.layout import BROKERS_CONSUMER, Consumer, Stream
from seinpost_broker.core.nats_config import RELOAD_SUBJECT, STATE_SUBJECT
from seinpost_broker.ports import AppendLostError, AppendRequest, IngressMessage, StoredMessage
from seinpost_schemas.errors import StateUnknownError, UnavailableError
from seinpost_schemas.subjects import (
    CHECKPOINTS_STREAM,
    CUSTODY_STREAM,
    HOURLY_STREAM,
    answer_subject,
    ingress_stream,
    witness_subject,
)

_ACK_SECONDS = 15.0
_FETCH_SECONDS = 20.0
_INGRESS_PENDING = 256
_REDELIVER_SECONDS = 5.0
"""After this long without an answer (a broker that died) another broker gets the envelope; twice is harmless."""
_DUPLICATE_WINDOW_SECONDS = 120.0
_WRONG_LAST = frozenset({10071, 10070, 10060})
"""JetStream: wrong last sequence, wrong last message id, expected stream does not match."""
_READ_BATCH = 256
_CHECKPOINT_STREAMS = {"custody": CUSTODY_STREAM, "checkpoint": CHECKPOINTS_STREAM, "hourly": HOURLY_STREAM}
_WITNESS_SECONDS = 2.0
_STATE_SECONDS = 2.0
_OTHERS_SECONDS = 0.25
"""After the first server of a cluster has answered: how long the others may take."""
_RELOAD_SECONDS = 10.0
_T = TypeVar("_T")


class ServerState(msgspec.Struct, frozen=True):
    """What a server says of itself: its name, the digest of what it has loaded, and the tags in it."""

    server_name: str
    server_id: str
    config_digest: str
    tags: tuple[str, ...] = ()


class _State(msgspec.Struct):
    data: ServerState


class _Failure(msgspec.Struct):
    description: str = ""


class _Reloaded(msgspec.Struct):
    error: _Failure | None = None


@contextlib.contextmanager
def _mapped(what: str) -> Iterator[None]:
    try:
        yield
    except (nats.errors.Error, TimeoutError, OSError) as error:
        raise UnavailableError(f"{what}: {type(error).__name__}") from None


class _Acks:
    """Acknowledgements of pipelined appends and answers, by a token in their reply subject.

    nats-py's ``publish_async`` never ends when the server refuses an append (its ``from_error`` raises in
    the callback), so a lost race would cost a time-out; and a race is what conditional appends are for.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._inbox = client.new_inbox()
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._number = 0
        self._listening = False

    async def send(
        self, subject: str, body: bytes, headers: dict[str, str]
    ) -> asyncio.Future[dict[str, Any]]:
        """Publish, and return a future of the acknowledgement's JSON; publishes keep their order."""
        if not self._listening:
            self._listening = True
            await self._client.subscribe(f"{self._inbox}.*", cb=self._take)
        self._number += 1
        token = str(self._number)
        future = self._waiting[token] = asyncio.get_running_loop().create_future()
        future.add_done_callback(lambda _: self._waiting.pop(token, None))
        await self._client.publish(subject, body, reply=f"{self._inbox}.{token}", headers=headers)
        return future

    async def _take(self, message: Msg) -> None:
        future = self._waiting.get(message.subject.rpartition(".")[2])
        if future is None or future.done():
            return
        try:
            ack = msgspec.json.decode(message.data)
        except msgspec.DecodeError:
            ack = None
        # No responders and anything else that is no acknowledgement: the outcome is unknown.
        future.set_result(ack if isinstance(ack, dict) else {"error": {}})


class _Message:
    def __init__(self, message: Msg) -> None:
        self._message = message
        self.subject = message.subject
        self.data = message.data

    async def done(self) -> None:
        with _mapped("acknowledge ingress"):
            await self._message.ack()


class NatsBus:
    """One connection of a broker in account HUB."""

    def __init__(self, client: Client, under_way: set[asyncio.Future[Any]]) -> None:
        self._client = client
        # Appends and fetches under way; a lost connection ends them at once, for the caller to start over.
        self._under_way = under_way
        self._js: JetStreamContext = client.jetstream(timeout=_ACK_SECONDS)
        self._acks = _Acks(client)
        self._subscriptions: dict[str, JetStreamContext.PullSubscription] = {}

    @classmethod
    async def connect(cls, url: str, nkey_seed: str, channel: Channel | None = None) -> NatsBus:
        """Connect and keep reconnecting; raises ``UnavailableError`` when the first try fails."""
        under_way: set[asyncio.Future[Any]] = set()

        async def on_disconnect() -> None:
            for future in under_way:
                future.cancel()

        with _mapped(f"connect to {url}"):
            client = SafeClient(channel)
            await client.connect(
                url,
                nkeys_seed_str=None if channel and channel.is_user else nkey_seed,
                name="seinpost-broker",
                max_reconnect_attempts=-1,
                reconnect_time_wait=0.5,
                allow_reconnect=True,
                error_cb=_ignore,
                disconnected_cb=on_disconnect,
            )
        return cls(client, under_way)

    async def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(nats.errors.Error, OSError):
            await self._client.close()

    # -- layout -----------------------------------------------------------------------------------

    async def ensure_stream(self, stream: Stream) -> None:
        """Create the stream, or bring its settings to what is wanted."""
        config = api.StreamConfig(
            name=stream.name,
            subjects=list(stream.subjects),
            retention=api.RetentionPolicy.WORK_QUEUE if stream.work_queue else api.RetentionPolicy.LIMITS,
            discard=api.DiscardPolicy.NEW if stream.work_queue else api.DiscardPolicy.OLD,
            storage=api.StorageType.FILE,
            max_age=stream.max_age_seconds,
            max_bytes=stream.max_bytes,
            max_msgs=stream.max_messages,
            max_msgs_per_subject=stream.max_messages_per_subject,
            deny_delete=stream.append_only,
            deny_purge=stream.append_only,
            allow_rollup_hdrs=False,
            allow_direct=stream.allow_direct,
            duplicate_window=_DUPLICATE_WINDOW_SECONDS,
        )
        with _mapped(f"stream {stream.name}"):
            try:
                await self._js.add_stream(config)
            except nats.js.errors.BadRequestError:
                # The log of a period that is over keeps the settings that it was sealed with.
                if not (await self._js.stream_info(stream.name)).config.sealed:
                    await self._js.update_stream(config)

    async def ensure_consumer(self, consumer: Consumer) -> None:
        """Create a pull consumer; one that is there keeps its position."""
        config = api.ConsumerConfig(
            durable_name=consumer.name,
            ack_policy=api.AckPolicy.EXPLICIT if consumer.acks else api.AckPolicy.NONE,
            ack_wait=_REDELIVER_SECONDS if consumer.acks else None,
            max_ack_pending=_INGRESS_PENDING if consumer.acks else None,
            filter_subject=consumer.filter_subject,
            filter_subjects=list(consumer.filter_subjects) or None,
            deliver_policy=api.DeliverPolicy.ALL,
        )
        with _mapped(f"consumer {consumer.name} on {consumer.stream}"):
            # Creating one that is there brings its settings up to date and keeps its position.
            await self._js.add_consumer(consumer.stream, config)

    async def loaded_config(self) -> str:
        """The digest of what the server that answers first has loaded, as ``nats_server.verify_config`` gives it."""
        with _mapped("ask the server what it has loaded"):
            reply = await self._client.request(STATE_SUBJECT, b"", timeout=_STATE_SECONDS)
        try:
            return msgspec.json.decode(reply.data, type=_State).data.config_digest
        except msgspec.DecodeError:
            raise UnavailableError(
                "the server does not say what it has loaded; 2.15 or newer is needed"
            ) from None

    async def server_states(self) -> list[ServerState]:
        """What every server of the cluster says that it has loaded; raises ``UnavailableError`` when none does."""
        inbox = self._client.new_inbox()
        found: list[ServerState] = []
        with _mapped("ask the servers what they have loaded"):
            answers = await self._client.subscribe(inbox)
            try:
                await self._client.publish(STATE_SUBJECT, b"", reply=inbox)
                patience_seconds = _STATE_SECONDS
                while True:
                    try:
                        message = await answers.next_msg(patience_seconds)
                    except nats.errors.TimeoutError:
                        break
                    patience_seconds = _OTHERS_SECONDS
                    with contextlib.suppress(msgspec.DecodeError):
                        found.append(msgspec.json.decode(message.data, type=_State).data)
            finally:
                await answers.unsubscribe()
        if not found:
            raise UnavailableError("no server says what it has loaded; 2.15 or newer is needed")
        return found

    async def reload_server(self, server_id: str) -> None:
        """Make a server read its own file again; raises ``UnavailableError`` with what it says is wrong with that."""
        with _mapped("ask the server to reload"):
            subject = RELOAD_SUBJECT.format(server=server_id)
            reply = await self._client.request(subject, b"", timeout=_RELOAD_SECONDS)
        try:
            error = msgspec.json.decode(reply.data, type=_Reloaded).error
        except msgspec.DecodeError:
            raise UnavailableError(
                "the server does not reload when it is asked; 2.15 or newer is needed"
            ) from None
        if error is not None:
            raise UnavailableError(f"the server does not load its file: {error.description[:200]}")

    async def found_streams(self) -> list[Stream]:
        """Every stream that the server holds for us."""
        found: list[Stream] = []
        with _mapped("list the streams"):
            while page := await self._js.streams_info(offset=len(found)):
                found += [_stream_of(info.config) for info in page]
        return found

    async def found_consumers(self, stream: str) -> list[Consumer]:
        """Every durable consumer of a stream; those of brokers that are just reading are left out."""
        found: list[api.ConsumerInfo] = []
        with _mapped(f"list the consumers of {stream}"):
            while page := await self._js.consumers_info(stream, offset=len(found)):
                found += page
        return [
            Consumer(
                stream=stream,
                name=info.config.durable_name,
                filter_subject=info.config.filter_subject,
                filter_subjects=tuple(info.config.filter_subjects or ()),
                acks=info.config.ack_policy == api.AckPolicy.EXPLICIT,
            )
            for info in found
            if info.config.durable_name
        ]

    async def remove_consumer(self, consumer: Consumer) -> None:
        """Remove a consumer; one that is gone already is gone."""
        with (
            _mapped(f"remove {consumer.name} from {consumer.stream}"),
            contextlib.suppress(nats.js.errors.NotFoundError),
        ):
            await self._js.delete_consumer(consumer.stream, consumer.name)

    # -- ports ------------------------------------------------------------------------------------

    async def fetch(self, party: str, limit: int) -> list[IngressMessage]:
        """See ``ports.Ingress``."""
        with _mapped(f"ingress of {party}"):
            subscription = self._subscriptions.get(party)
            if subscription is None:
                subscription = await self._js.pull_subscribe_bind(BROKERS_CONSUMER, ingress_stream(party))
                self._subscriptions[party] = subscription
            try:
                fetching = asyncio.ensure_future(subscription.fetch(limit, timeout=_FETCH_SECONDS))
                return [_Message(m) for m in await self._unless_disconnected(fetching)]
            except (nats.errors.TimeoutError, TimeoutError):
                return []

    async def _unless_disconnected(self, future: asyncio.Future[_T]) -> _T:
        """The future's result; ``UnavailableError`` when the connection is lost before."""
        self._under_way.add(future)
        try:
            await asyncio.wait({future})
            if future.cancelled():
                raise UnavailableError("the connection to the server was lost")
            return future.result()
        finally:
            self._under_way.discard(future)
            # Whatever becomes of it from here on is nobody's news any more.
            future.add_done_callback(_look_away)
            future.cancel()

    async def append(self, request: AppendRequest) -> Awaitable[None]:
        """See ``ports.LogStore``."""
        headers = dict(request.headers)
        headers[api.Header.MSG_ID.value] = request.msg_id
        headers[api.Header.EXPECTED_STREAM.value] = request.stream
        headers[api.Header.EXPECTED_LAST_SEQUENCE.value] = str(request.expected_last_seq)
        if request.expected_last_msg_id is not None:
            headers[api.Header.EXPECTED_LAST_MSG_ID.value] = request.expected_last_msg_id
        with _mapped(f"append to {request.stream}"):
            future = await self._acks.send(request.subject, request.body, headers)
        # A task, so that a lost connection is noticed whether or not anyone waits for it yet.
        stored = asyncio.ensure_future(self._stored(future, request))
        stored.add_done_callback(_look_away)
        return stored

    async def _stored(self, future: asyncio.Future[dict[str, Any]], request: AppendRequest) -> None:
        ack = await self._acknowledged(future, f"append to {request.stream}")
        if "error" in ack:
            code = ack["error"].get("err_code")
            if code in _WRONG_LAST:
                raise AppendLostError(f"{request.stream} has moved on")
            raise StateUnknownError(f"append to {request.stream}: error {code}")
        if ack.get("duplicate") or ack.get("seq") != request.expected_last_seq + 1:
            # Stored earlier under this very leaf: by a broker whose answer was lost. Read it back.
            raise StateUnknownError(f"{request.stream} holds this entry already")

    async def _acknowledged(self, future: asyncio.Future[dict[str, Any]], what: str) -> dict[str, Any]:
        """The acknowledgement of something published; ``StateUnknownError`` when there is none."""
        try:
            async with asyncio.timeout(_ACK_SECONDS):
                return await self._unless_disconnected(future)
        except UnavailableError:
            raise StateUnknownError(f"{what}: the connection was lost") from None
        except TimeoutError:
            raise StateUnknownError(f"{what}: no acknowledgement") from None

    async def seal(self, stream: str) -> None:
        """See ``ports.LogStore``."""
        with _mapped(f"seal {stream}"):
            config = (await self._js.stream_info(stream)).config
            if not config.sealed:
                config.sealed = True
                await self._js.update_stream(config)

    async def last_seq(self, stream: str) -> int:
        """See ``ports.LogStore``."""
        with _mapped(f"state of {stream}"):
            return int((await self._js.stream_info(stream)).state.last_seq)

    async def read(
        self, stream: str, first_seq: int, *, headers_only: bool = False
    ) -> AsyncIterator[StoredMessage]:
        """See ``ports.LogStore``."""
        last = await self.last_seq(stream)
        if first_seq > last:
            return
        config = api.ConsumerConfig(
            ack_policy=api.AckPolicy.NONE,
            deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=first_seq,
            headers_only=headers_only,
            inactive_threshold=30.0,
            mem_storage=True,
        )
        with _mapped(f"read {stream}"):
            info = await self._js.add_consumer(stream, config)
            subscription = await self._js.pull_subscribe_bind(info.name, stream)
            try:
                seq = first_seq - 1
                while seq < last:
                    for message in await subscription.fetch(min(_READ_BATCH, last - seq), timeout=10):
                        seq = message.metadata.sequence.stream
                        yield StoredMessage(seq, message.headers or {}, message.data)
            finally:
                await subscription.unsubscribe()
                await self._js.delete_consumer(stream, info.name)

    async def read_one(self, stream: str, seq: int) -> StoredMessage:
        """See ``ports.LogStore``."""
        with _mapped(f"read {stream}"):
            raw = await self._js.get_msg(stream, seq)
        return StoredMessage(seq, raw.headers or {}, raw.data or b"")

    async def answer(self, party: str, data: bytes) -> Awaitable[None]:
        """See ``ports.Answers``."""
        with _mapped(f"answer {party}"):
            future = await self._acks.send(answer_subject(party), data, {})
        stored = asyncio.ensure_future(self._answered(future, party))
        stored.add_done_callback(_look_away)
        return stored

    async def _answered(self, future: asyncio.Future[dict[str, Any]], party: str) -> None:
        ack = await self._acknowledged(future, f"answer {party}")
        if "error" in ack:
            raise UnavailableError(f"answer {party}: error {ack['error'].get('err_code')}")

    async def newest_checkpoint(self, subject: str) -> tuple[int, bytes] | None:
        """See ``ports.Checkpoints``."""
        stream = _CHECKPOINT_STREAMS[subject.split(".")[1]]
        with _mapped(f"read {subject}"):
            try:
                raw = await self._js.get_last_msg(stream, subject)
            except nats.js.errors.NotFoundError:
                return None
        return int(raw.seq or 0), raw.data or b""

    async def store_checkpoint(self, subject: str, note: bytes, newest_seq: int) -> int:
        """See ``ports.Checkpoints``."""
        headers: dict[str, Any] = {api.Header.EXPECTED_LAST_SUBJECT_SEQUENCE: str(newest_seq)}
        with _mapped("store a checkpoint"):
            try:
                ack = await self._js.publish(subject, note, headers=headers)
            except nats.js.errors.APIError as error:
                if error.err_code in _WRONG_LAST:
                    raise AppendLostError(f"{subject} has moved on") from None
                raise
        return int(ack.seq)

    async def ask(self, party: str, request: bytes) -> bytes:
        """See ``ports.Witnesses``."""
        with _mapped(f"witness of {party}"):
            reply = await self._client.request(witness_subject(party), request, timeout=_WITNESS_SECONDS)
        return reply.data


def _stream_of(config: api.StreamConfig) -> Stream:
    return Stream(
        name=config.name or "",
        subjects=tuple(config.subjects or ()),
        work_queue=config.retention == api.RetentionPolicy.WORK_QUEUE,
        append_only=bool(config.deny_delete and config.deny_purge and not config.allow_rollup_hdrs),
        allow_direct=bool(config.allow_direct),
        max_age_seconds=int(config.max_age or 0),
        max_bytes=config.max_bytes if config.max_bytes is not None else -1,
        max_messages=config.max_msgs if config.max_msgs is not None else -1,
        max_messages_per_subject=config.max_msgs_per_subject or -1,
    )


def _look_away(future: asyncio.Future[Any]) -> None:
    if not future.cancelled():
        future.exception()


async def _ignore(_error: Exception) -> None:
    """nats-py reports reconnects here; what matters reaches us as exceptions."""
