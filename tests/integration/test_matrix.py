# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Live: every party × compartment × action × audience, before and after every kind of change of the register.

One walk through the life of an enclave. At each stop everything is tried that anybody might: at the server with
raw credentials, at the broker with envelopes that the server's own hand puts into every party's ingress, at the
client, and at every reader, honest broker or not. What must come of it is worked out from the register's text
alone (``harness.rules``), and the sets must be equal.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import itertools
import time
import tomllib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from harness.cast import Chains, Reader
from harness.enclave import Enclave, run, run_broker_command
from harness.raw import connected
from harness.registrar import Desk, make_request
from harness.stop import Scene, Stop

from seinpost.identity import load_identity, read_passphrase_file
from seinpost_broker.adapters.enclave_dir import directory_of
from seinpost_schemas.directory import TrustedDirectory
from seinpost_schemas.note import parse_note
from seinpost_schemas.request import decode_request

pytestmark = [pytest.mark.nats]
Table = dict[str, Any]
SHORT_SECONDS = 60.0
BASIS = {"basis": "Besluit van 24 november 2026, nr. 12", "status": "default", "ceiling": "depv"}
REVOKED = ("ncsc-1", "aivd-1", "om-1")
JOINING = (("ncsc", "ncsc-2"), ("rvig", "rvig-1"))


def party(table: Table, token: str) -> Table:
    found: Table = next(p for p in table["parties"] if p["token"] == token)
    return found


def mandate(themes: list[str], *actions: str, **more: Any) -> Table:
    return {"themes": themes, "actions": list(actions), **BASIS, **more}


class Life:
    """The enclave, its registrars' desk, and everyone's keys."""

    def __init__(self, enclave: Enclave, folder: Path) -> None:
        self.enclave = enclave
        self.desk = Desk(enclave, folder)
        self.folder = folder
        self.passphrase = folder / "registrar.pass"
        self.passphrase.write_text("een lange wachtwoordzin\n")
        self.passphrase.chmod(0o600)
        self.requests = {name: make_request(folder, token, name)[0] for token, name in JOINING}
        self.identities = {f"{p}-1": i for p, i in enclave.identities().items()}
        for _, name in JOINING:
            key = folder / f"{name}.key"
            self.identities[name] = load_identity(key, read_passphrase_file(key.with_suffix(".pass")))

    def known(self) -> TrustedDirectory:
        """The directory as the broker has it."""
        return directory_of(*self.enclave.directory.load_known())

    def table(self) -> Table:
        """The register's text in force."""
        return tomllib.loads(parse_note(self.desk.newest.read_bytes()).text)

    def config(self, name: str) -> Path:
        """An identity's client configuration."""
        token = name.rpartition("-")[0]
        if name not in self.requests:
            return self.enclave.config(token)
        text = self.enclave.config("bzk").read_text().replace('"bzk"', f'"{token}"')
        text = text.replace("identities/bzk-1.key", str(self.folder / f"{name}.key"))
        text = text.replace("identities/bzk.pass", str(self.folder / f"{name}.pass"))
        path = self.enclave.path / f"{name}.toml"
        path.write_text(text.replace("state/bzk-1", f"state/{name}"))
        return path

    async def change(
        self, change: Callable[[Table], None], *more: str | Path, left: tuple[str, ...] = ()
    ) -> None:
        """The next version of the register, in force; ``left`` is what a drift still names after it."""

        def edit(draft: Path) -> None:
            table = tomllib.loads(draft.read_text())
            change(table)
            draft.write_text(tomli_w.dumps(table))

        def publish() -> None:
            done = self.desk.publish(self.desk.sign(self.desk.draft(edit)), *more)
            assert done.stdout.endswith("is in force\n"), done
            deadline = time.monotonic() + 20
            while (drift := run_broker_command("drift", self.enclave.path, "--json")).rows[0][
                "differences"
            ] != list(left):
                assert time.monotonic() < deadline, drift

        await asyncio.to_thread(publish)


def grow(life: Life) -> Callable[[Table], None]:
    """A party joins, another gets a second machine, one a mandate; one is promised a mandate."""

    def change(table: Table) -> None:
        table["parties"].append(
            {
                "token": "rvig",
                "oin": "00000099000000099000",
                "name_nl": "Rijksdienst voor Identiteitsgegevens",
                "name_en": "National Identity Data Service",
                "clearance": "depv",
                "identities": [],
                "mandates": [
                    mandate(["process"], "publish", "read", ceiling="ong"),
                    mandate(["parties"], "read", "read-protected", "release"),
                ],
            }
        )
        for token, name in JOINING:
            request = decode_request(life.requests[name].read_bytes())
            keys = request.key_object()
            party(table, token)["identities"].append(
                {
                    "name": name,
                    "sender_id": keys.sender_id.hex(),
                    "keys": keys.keys_hash().hex(),
                    "nats": request.nats,
                }
            )
        party(table, "acm")["mandates"].append(mandate(["international"], "publish", "share"))
        later = dt.datetime(2099, 1, 1, tzinfo=dt.UTC)
        party(table, "ap")["mandates"].append(mandate(["all"], "publish", "read", **{"from": later}))

    return change


def shrink(until: dt.datetime) -> Callable[[Table], None]:
    """A mandate is taken away, a prohibition comes, and one mandate holds for seconds only."""

    def change(table: Table) -> None:
        politie = party(table, "politie")
        politie["mandates"] = [
            m | {"themes": ["parties"]} if "publish" in m["actions"] else m for m in politie["mandates"]
        ]
        om = party(table, "om")
        om["mandates"] = [m for m in om["mandates"] if "read" not in m["actions"]]
        table["prohibitions"].append(
            {"party": "nctv", "action": "publish", "themes": ["debate"], "signal_types": []}
            | {"basis": "Besluit nr. 13", "status": "default"}
        )
        party(table, "cvdm")["mandates"].append(mandate(["process"], "publish", until=until))

    return change


def narrow(vkey: str) -> Callable[[Table], None]:
    """A clearance and a mandate's ceiling come down, an audience gets a member, and another registrar comes."""

    def change(table: Table) -> None:
        party(table, "ap")["clearance"] = "ong"
        for row in party(table, "mivd")["mandates"]:
            if "publish" in row["actions"]:
                row["ceiling"] = "ong"
        audience = next(a for a in table["audiences"] if a["name"] == "tafel")
        audience["members"] = [*audience["members"], "nctv"]
        keys = table["registrars"]["keys"]
        table["registrars"]["keys"] = [vkey if k.startswith("bzk-2+") else k for k in keys]
        assert table["registrars"]["keys"] != keys

    return change


def remove(table: Table) -> None:
    """A party leaves the register, with its keys and mandates."""
    table["parties"] = [p for p in table["parties"] if p["token"] != "ec"]


async def removed_is_out(scene: Scene, life: Life) -> None:
    """Its connection is closed, and it is not let in."""
    await scene.readers["ec-1"].leave()
    # Its ingress stays, with what it sent and nobody answered, until an operator deletes it: drift names it.
    left = ("stream IN_ec", "consumer brokers on IN_ec")
    await life.change(remove, left=tuple(f"{x} is there, and the register does not ask for it" for x in left))
    async with asyncio.timeout(20):
        while not scene.raws["ec-1"].client.is_closed:
            await asyncio.sleep(0.05)
    done = await asyncio.to_thread(run, "watch", "--config", life.config("ec-1"), "--idle", "1")
    assert (done.status, "does not know this identity" in done.error) == (1, True), done


def revoke(life: Life) -> Callable[[Table], None]:
    """A key (its party goes on with another), a machine (the only one of its party), and a whole party."""

    def change(table: Table) -> None:
        table["revocations"] = [
            {
                "sender_id": life.identities[name].sender_id.hex(),
                "reason": "laptop gestolen",
                "suspect_from": dt.datetime(2099, 1, 1, tzinfo=dt.UTC),
            }
            for name in REVOKED
        ]

    return change


async def seconds_are_seconds(scene: Scene, life: Life, until: dt.datetime) -> None:
    """A mandate that ends: admitted, then refused, and soon no longer let in by the server."""
    cvdm = ("cvdm-1", ("depv", "process"))
    short = Stop(scene, "short", life.table())
    assert short.rules.may("cvdm", "publish", cvdm[1]), "the change took longer than the mandate"
    scene.chains.directory = life.known()
    (answer,) = (await short.publish_once(*cvdm)).values()
    assert answer.verdict == "admitted"
    await asyncio.sleep(max(0.0, (until - dt.datetime.now(dt.UTC)).total_seconds()) + 0.1)
    (answer,) = (await short.publish_once(*cvdm)).values()
    assert answer.reason == "mandate"
    subject = "seinpost.in.depv.process.publish.cvdm"
    async with asyncio.timeout(40):
        while not await scene.raws["cvdm-1"].denied_publishes([subject]):
            await asyncio.sleep(0.5)


@pytest.fixture
async def stack() -> AsyncIterator[contextlib.AsyncExitStack]:
    async with contextlib.AsyncExitStack() as stack:
        yield stack


@pytest.mark.timeout(900)
async def test_rights_are_the_registers_before_and_after_every_change(
    new_enclave: Callable[..., Enclave], tmp_path: Path, stack: contextlib.AsyncExitStack
) -> None:
    enclave = new_enclave()
    enclave.start()
    life = Life(enclave, tmp_path)
    broker_seed, _ = enclave.directory.load_secrets()
    hub = await stack.enter_async_context(connected(enclave.url, broker_seed))
    scene = Scene(
        identities=life.identities,
        chains=Chains(hub, life.identities, life.known()),
        raws={},
        readers={},
        expected=defaultdict(set),
        numbers=itertools.count(1),
        known=life.known,
    )
    await scene.chains.listen()

    async def join(*names: str) -> None:
        for name in names:
            seed, inbox = life.identities[name].nats_seed, f"_INBOX_{name.rpartition('-')[0]}"
            scene.raws[name] = await stack.enter_async_context(connected(enclave.url, seed, inbox))
            scene.readers[name] = await Reader.open(life.config(name))
            stack.push_async_callback(scene.readers[name].leave)

    async def stop(what: str) -> Stop:
        began = time.monotonic()
        here = Stop(scene, what, life.table())
        scene.chains.directory = life.known()
        await here.server_is_exact()
        server = time.monotonic()
        await here.broker_is_exact()
        broker = time.monotonic()
        await here.client_is_exact()
        await here.readers_are_exact()
        readers = time.monotonic()
        here.readers_believe_no_broker()
        print(
            f"{what}: {len(here.names)} identities, server {server - began:.0f} s, "
            f"broker {broker - server:.0f} s, readers {readers - broker:.0f} s, "
            f"dishonest broker {time.monotonic() - readers:.0f} s"
        )
        return here

    await join(*(n for n in life.identities if n not in life.requests))
    await stop("as shipped")

    await life.change(grow(life), *(x for r in life.requests.values() for x in ("--request", r)))
    await join(*life.requests)
    await stop("grown")

    until = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(seconds=SHORT_SECONDS)
    await life.change(shrink(until))
    await seconds_are_seconds(scene, life, until)
    await stop("shrunk")

    made = await asyncio.to_thread(
        run,
        "register",
        "key",
        tmp_path / "bzk-3.key",
        "--name",
        "bzk-3",
        "--passphrase-file",
        life.passphrase,
    )
    assert made.status == 0, made
    await life.change(narrow((tmp_path / "bzk-3.key.vkey").read_text().strip()))
    await stop("narrowed, with another registrar")

    for name in REVOKED:
        # Each try to connect again would leave a socket behind in nats-py; the raw connections stay, to be closed.
        await scene.readers[name].leave()
    await life.change(revoke(life))
    async with asyncio.timeout(20):
        while not all(scene.raws[n].client.is_closed for n in REVOKED):
            await asyncio.sleep(0.05)
    await stop("revoked")
    for name in REVOKED:
        done = await asyncio.to_thread(run, "watch", "--config", life.config(name), "--idle", "1")
        assert (done.status, "does not know this identity" in done.error) == (1, True), done

    await removed_is_out(scene, life)

    # Nobody else lost a connection on the way. Six changes, and once more for the party that joined.
    gone = (*REVOKED, "ec-1")
    assert all(scene.raws[n].client.is_connected for n in scene.raws if n not in gone)
    assert (enclave.path / "nats" / "nats.log").read_text().count("hangup") == 7
