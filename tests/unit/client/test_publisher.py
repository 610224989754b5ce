# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The publisher: what is refused before anything is encrypted, back-pressure, answers, and its end."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from trial.enclave import TrialEnclave, identity
from trial.reader import until
from trial.samples import encoded, signal
from trial.sender import TrialSender

from seinpost._transport import StoredMessage
from seinpost.answer import Answer
from seinpost.delivery import Alarm
from seinpost.publisher import Publisher
from seinpost_schemas.errors import MalformedError, Reason, RefusedError, TooLargeError, UnavailableError
from seinpost_schemas.signal import Report, Signal
from seinpost_schemas.uuid7 import parse_id

WHERE = ("process", "depv", None)


class Post:
    """A running publisher of one identity, whose broker answers when told to."""

    def __init__(
        self,
        enclave: TrialEnclave,
        path: Path,
        name: str = "ncsc-1",
        on_waiting: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.sender = TrialSender(enclave, path, identity(name))
        self.answers: list[StoredMessage] = []
        self.alarms: list[Alarm] = []
        self.sender.transport.streams["ANSWERS"] = self.answers
        self.publisher = Publisher(
            self.sender.identity,
            self.sender.follower,
            self.sender.transport,
            self.sender.state,
            self.alarms.append,
            on_waiting,
        )
        self.running: asyncio.Future[None] | None = None

    def start(self) -> None:
        self.running = asyncio.ensure_future(self.publisher.run())

    def put(self, data: bytes) -> None:
        """An answer on the stream."""
        self.answers.append(StoredMessage(len(self.answers) + 1, {}, data))

    def answer(self) -> None:
        """The broker decides on everything that came."""
        for answer in self.sender.broker.take():
            self.put(answer.encode())

    async def done(self, *futures: asyncio.Future[Answer]) -> list[Answer | BaseException]:
        def step() -> bool:
            self.answer()
            return all(f.done() for f in futures)

        await until(step)
        return [f.exception() or f.result() for f in futures]

    async def close(self) -> None:
        await self.publisher.close(0)
        if self.running is not None:
            self.running.cancel()
            await asyncio.wait({self.running})
        await self.sender.close()


@pytest.fixture
async def post(enclave: TrialEnclave, tmp_path: Path) -> AsyncIterator[Post]:
    made = Post(enclave, tmp_path)
    made.start()
    yield made
    await made.close()


# -- before anything is encrypted -----------------------------------------------------------------


def with_report(**change: Any) -> Signal:
    base = signal()
    return msgspec.structs.replace(base, report=msgspec.structs.replace(base.report, **change))


PAST = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
REFUSED: dict[str, tuple[str, Signal, tuple[str, str, str | None], Reason]] = {
    "a theme outside the mandate": ("ncsc-1", signal(), ("debate", "depv", None), Reason.MANDATE),
    "a party without mandates": ("stil-1", signal(), WHERE, Reason.MANDATE),
    "a reader": ("tafel-1", signal(), WHERE, Reason.MANDATE),
    "Stg. CONFIDENTIEEL": ("ncsc-1", signal(), ("process", "stgc", None), Reason.CLASSIFICATION),
    "Stg. GEHEIM": ("ncsc-1", signal(), ("process", "stgg", None), Reason.CLASSIFICATION),
    "Stg. ZEER GEHEIM": ("ncsc-1", signal(), ("process", "stgzg", None), Reason.CLASSIFICATION),
    "above the clearance": ("ec-1", signal(), ("international", "depv", None), Reason.CLASSIFICATION),
    "an unknown audience": ("ncsc-1", signal(), ("process", "depv", "iedereen"), Reason.AUDIENCE),
    "the own audience": ("ncsc-1", signal(), ("process", "depv", "own"), Reason.AUDIENCE),
    "a prohibited type": ("kiesraad-1", signal(signal_type="assessment"), WHERE, Reason.PROHIBITED),
    "a type outside the mandate": (
        "cvdm-1",
        signal(signal_type="alert"),
        ("debate", "depv", None),
        Reason.MANDATE,
    ),
    "an expired signal": ("ncsc-1", signal(valid_until=PAST), WHERE, Reason.EXPIRED),
    "no end of classification": ("ncsc-1", signal(classified_until=None), WHERE, Reason.CLASSIFICATION),
}


@pytest.mark.parametrize(("name", "what", "where", "reason"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_may_not_go_is_refused_and_not_a_byte_leaves(
    enclave: TrialEnclave,
    tmp_path: Path,
    name: str,
    what: Signal,
    where: tuple[str, str, str | None],
    reason: Reason,
) -> None:
    post = Post(enclave, tmp_path, name)
    with pytest.raises(RefusedError) as refused:
        await post.publisher.submit(what, *where)
    assert refused.value.reason is reason
    assert await post.sender.quiet() == 0
    assert post.sender.state.load("depv/process") == (0, bytes(32))
    await post.close()


@pytest.mark.parametrize(
    ("what", "where"),
    [
        (signal(), ("proces", "depv", None)),
        (signal(), ("process", "geheim", None)),
        (with_report(title="t" * 201), WHERE),
        (with_report(text=""), WHERE),
        (with_report(narrative="\ud800"), WHERE),
        (msgspec.structs.replace(signal(), id="not an id"), WHERE),
        (
            msgspec.structs.replace(
                signal(),
                handling=msgspec.structs.replace(signal().handling, valid_until=dt.datetime(2098, 1, 1)),  # noqa: DTZ001
            ),
            WHERE,
        ),
        (msgspec.structs.replace(signal(), report=None), WHERE),
        (msgspec.structs.replace(signal(), report=Report(title="t", text=7)), WHERE),  # type: ignore[arg-type]
    ],
    ids=[
        "theme",
        "classification",
        "title",
        "text",
        "surrogate",
        "id",
        "no time zone",
        "no report",
        "a number for text",
    ],
)
async def test_what_is_malformed_is_said_and_not_a_byte_leaves(
    post: Post, what: Signal, where: tuple[str, str, str | None]
) -> None:
    with pytest.raises(MalformedError):
        await post.publisher.submit(what, *where)
    assert await post.sender.quiet() == 0


async def test_what_is_too_large_is_said(post: Post) -> None:
    large = with_report(text="é" * 20_000, narrative="é" * 20_000)
    with pytest.raises(TooLargeError):
        await post.publisher.submit(large, *WHERE)


async def test_an_expired_register_stops_publication(enclave: TrialEnclave, tmp_path: Path) -> None:
    def expire(table: dict[str, Any]) -> None:
        table["expires"] = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)

    post = Post(TrialEnclave(expire), tmp_path)
    with pytest.raises(RefusedError) as refused:
        await post.publisher.submit(signal(), *WHERE)
    assert refused.value.reason is Reason.REGISTER_EXPIRED
    await post.close()


# -- publishing -----------------------------------------------------------------------------------


async def test_a_signal_gets_an_id_and_its_answer(post: Post) -> None:
    future = await post.publisher.submit(msgspec.structs.replace(signal(), id=None), *WHERE)
    (answer,) = await post.done(future)
    assert isinstance(answer, Answer)
    assert (answer.verdict, answer.compartment, answer.index) == ("admitted", "depv/process", 1)
    parse_id(answer.signal)


async def test_the_mandates_default_audience_is_used(enclave: TrialEnclave, tmp_path: Path) -> None:
    post = Post(enclave, tmp_path, "kiesraad-1")
    post.start()
    (answer,) = await post.done(await post.publisher.submit(signal(), *WHERE))
    assert isinstance(answer, Answer)
    assert post.sender.broker.admitted[0].body[0] == 2
    await post.close()


async def test_each_compartment_has_its_own_lane_and_chain(post: Post) -> None:
    futures = [
        await post.publisher.submit(signal(n), theme, level)
        for n, (theme, level) in enumerate([("process", "depv"), ("process", "ong"), ("parties", "depv")])
    ]
    answers = await post.done(*futures)
    assert {a.compartment for a in answers} == {"depv/process", "ong/process", "depv/parties"}  # type: ignore[union-attr]
    chains: dict[str, list[tuple[int, bool]]] = {}
    for header in (e.header for e in post.sender.broker.admitted):
        chains.setdefault(str(header.compartment), []).append((header.seq, header.prev_hash == bytes(32)))
    assert list(chains.values()) == [[(1, True), (2, False)]] * 3


async def test_answers_that_are_not_ours_or_not_answers_are_passed_over(post: Post) -> None:
    future = await post.publisher.submit(signal(), *WHERE)
    await post.sender.sent(2)
    for answer in post.sender.broker.take():
        post.put(b"junk")
        post.put(
            msgspec.structs.replace(
                answer, sender="00" * 16, verdict="refused", reason=Reason.QUOTA, message="?"
            ).encode()
        )
        post.put(msgspec.structs.replace(answer, compartment="nowhere").encode())
        post.put(answer.encode())
    (outcome,) = await post.done(future)
    assert isinstance(outcome, Answer)
    assert post.running is not None
    assert not post.running.done()


async def test_answers_are_read_on_from_where_the_last_process_was(
    enclave: TrialEnclave, tmp_path: Path
) -> None:
    first = Post(enclave, tmp_path)
    first.start()
    await first.done(await first.publisher.submit(signal(), *WHERE))
    await until(lambda: first.sender.state.answers_from() == len(first.answers) + 1)
    seen = list(first.answers)
    await first.close()
    again = Post(enclave, tmp_path)
    again.answers += seen
    again.start()
    await again.sender.quiet()
    assert "ANSWERS" not in again.sender.transport.pulled
    await again.close()


@pytest.mark.parametrize(
    ("seconds", "synchronised"), [(3_600.0, 1), (0.0, 6)], ids=["a flood", "now and then"]
)
async def test_answers_are_put_on_disk_for_good_once_a_second_and_not_each(
    post: Post, monkeypatch: pytest.MonkeyPatch, seconds: float, synchronised: int
) -> None:
    monkeypatch.setattr("seinpost.publisher._DURABLE_SECONDS", seconds)
    told: list[str] = []
    for number in range(5):
        future = await post.publisher.submit(signal(number), *WHERE)
        if not number:
            # The chain's first seqs are reserved by then: what follows is the answers' alone.
            await post.sender.sent(2)
            post.sender.state._durable.set_trace_callback(told.append)
        await post.done(future)
    await until(lambda: post.sender.state.answers_from() == len(post.answers) + 1)
    assert len(told) == synchronised


# -- bounded memory -------------------------------------------------------------------------------


async def test_a_flood_waits_when_too_much_is_on_its_way(
    enclave: TrialEnclave, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seinpost.publisher.MAX_WAITING", 5)
    post = Post(enclave, tmp_path)
    post.start()
    futures = [await post.publisher.submit(signal(n), *WHERE) for n in range(5)]
    sixth = asyncio.ensure_future(post.publisher.submit(signal(5), *WHERE))
    await post.sender.quiet()
    assert not sixth.done()
    await post.done(*futures)
    (answer,) = await post.done(await sixth)
    assert isinstance(answer, Answer)
    await post.close()


async def test_what_is_refused_at_once_takes_no_room(
    enclave: TrialEnclave, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seinpost.publisher.MAX_WAITING", 1)
    post = Post(enclave, tmp_path)
    post.start()
    for _ in range(3):
        with pytest.raises(RefusedError):
            await post.publisher.submit(signal(), "debate", "depv")
    (answer,) = await post.done(await post.publisher.submit(signal(), *WHERE))
    assert isinstance(answer, Answer)
    await post.close()


async def test_who_gives_up_its_answer_frees_its_room(
    enclave: TrialEnclave, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seinpost.publisher.MAX_WAITING", 1)
    post = Post(enclave, tmp_path)
    post.start()
    (await post.publisher.submit(signal(1), *WHERE)).cancel()
    (answer,) = await post.done(await post.publisher.submit(signal(2), *WHERE))
    assert isinstance(answer, Answer)
    await post.close()


async def test_a_flood_of_large_signals_waits_when_their_bytes_are_too_many(
    enclave: TrialEnclave, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seinpost.publisher.MAX_WAITING_BYTES", 40_000)
    told: list[str] = []
    post = Post(enclave, tmp_path, on_waiting=told.append)
    post.start()
    large = with_report(text="x" * 15_000)
    futures = [await post.publisher.submit(msgspec.structs.replace(large, id=None), *WHERE) for _ in range(2)]
    third = asyncio.ensure_future(post.publisher.submit(msgspec.structs.replace(large, id=None), *WHERE))
    await post.sender.quiet()
    assert not third.done()
    assert len(told) == 1
    assert "no more room" in told[0]
    await post.done(*futures)
    (answer,) = await post.done(await third)
    assert isinstance(answer, Answer)
    await post.close()


async def test_a_full_ingress_is_said_once_and_waited_for(
    enclave: TrialEnclave, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    real = asyncio.sleep
    monkeypatch.setattr("seinpost._lane.asyncio.sleep", lambda s: real(min(s, 0.01)))
    post = Post(enclave, tmp_path, on_waiting=told.append)
    post.start()
    post.sender.transport.failures = [RefusedError(Reason.QUOTA, "full")] * 5
    (answer,) = await post.done(await post.publisher.submit(signal(), *WHERE))
    assert isinstance(answer, Answer)
    assert len(told) == 1
    assert "ingress is full" in told[0]
    await post.close()


# -- its end --------------------------------------------------------------------------------------


async def test_at_the_end_everyone_who_waits_is_told(post: Post) -> None:
    futures = [await post.publisher.submit(signal(n), *WHERE) for n in range(3)]
    await post.sender.sent(2)
    await post.publisher.close(0)
    assert all(f.done() and isinstance(f.exception(), UnavailableError) for f in futures)


async def test_at_the_end_the_epochs_are_closed_in_the_log(post: Post) -> None:
    await post.done(await post.publisher.submit(signal(), *WHERE))
    closing = asyncio.ensure_future(post.publisher.close(20))
    while not closing.done():
        post.answer()
        await asyncio.sleep(0.002)
    assert [e.header.kind for e in post.sender.broker.admitted] == [1, 2, 3]


async def test_a_broken_disk_is_told_and_does_not_end_the_publisher(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal that waits in the lane is told; a new one gets a new lane, and goes once there is room."""
    real = post.sender.state.reserve
    failed: list[int] = []

    def reserve(compartment: str, upto: int) -> None:
        if not failed:
            failed.append(upto)
            raise OSError("no space left on device")
        real(compartment, upto)

    monkeypatch.setattr(post.sender.state, "reserve", reserve)
    first = await post.publisher.submit(signal(1), *WHERE)
    await until(lambda: bool(failed))
    await post.sender.quiet()
    (answer,) = await post.done(await post.publisher.submit(signal(2), *WHERE))
    assert isinstance(answer, Answer)
    assert post.sender.broker.batches() == [[answer.signal]]
    first.cancel()
    assert encoded(1).id
