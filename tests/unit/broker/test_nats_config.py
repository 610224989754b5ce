# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The rendered configuration: the server accepts it, no name gets out of its quotes, each account reaches its own."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from harness.memory import ISSUED, NOW_MS, keys_of, make_directory, shipped

from seinpost_broker.adapters.trial_pki_files import TLS, TrialPkiFiles
from seinpost_broker.core.layout import consumers, identity_rights, witness_rights
from seinpost_broker.core.nats_config import Server, Tls, render, tag_of, unmapped
from seinpost_broker.core.trial_pki import issue_server
from seinpost_schemas.cosignature import WitnessKeys
from seinpost_schemas.entry import to_base64
from seinpost_schemas.errors import MalformedError, SetupError
from seinpost_schemas.policy import View

NATS_SERVER = Path(sys.executable).parent / "nats-server"
TOKENS = [p.token for p in shipped().current.register.parties]


def server(folder: Path, **change: Any) -> Server:
    fields = {
        "name": "broker-1",
        "listen": "127.0.0.1:4222",
        "store_dir": str(folder / "jetstream"),
        "pid_file": str(folder / "nats.pid"),
    }
    return Server(**fields | change)


def accepted(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    """What `nats-server -t` says."""
    path = folder / "nats.conf"
    path.write_text(text)
    return subprocess.run([NATS_SERVER, "-t", "-c", path], capture_output=True, text=True, timeout=60)


def with_witnesses(table: dict[str, Any]) -> None:
    """A witness for each party that has the mandate."""
    table["quorum"] = 3
    table["witnesses"] = []
    for number, party in enumerate(("ncsc", "ibd", "ap", "toezicht")):
        keys = WitnessKeys(f"proef/witness/{party}-witness", bytes([number + 1]) * 64).public
        table["witnesses"].append(
            {
                "name": f"{party}-witness",
                "party": party,
                "nats": keys_of(f"{party}-witness").nats,
                "ed25519": to_base64(keys.ed25519),
                "mldsa44": to_base64(keys.mldsa44),
            }
        )


@pytest.fixture(scope="module")
def witnessed() -> View:
    return make_directory(change=with_witnesses).current


# -- accepted by the real server ------------------------------------------------------------------


def test_the_server_accepts_the_shipped_register(tmp_path: Path) -> None:
    done = accepted(tmp_path, render(shipped().current, server(tmp_path), NOW_MS))
    assert done.returncode == 0, done.stderr
    assert "is valid" in done.stdout + done.stderr


def test_the_server_accepts_a_register_with_witnesses(tmp_path: Path, witnessed: View) -> None:
    done = accepted(tmp_path, render(witnessed, server(tmp_path), NOW_MS))
    assert done.returncode == 0, done.stderr


def test_the_server_accepts_a_party_without_identities_or_mandates(tmp_path: Path) -> None:
    def strip(table: dict[str, Any]) -> None:
        table["parties"][0]["identities"] = []
        table["parties"][1]["mandates"] = []

    done = accepted(tmp_path, render(make_directory(change=strip).current, server(tmp_path), NOW_MS))
    assert done.returncode == 0, done.stderr


def test_the_control_the_server_does_refuse_what_is_wrong(tmp_path: Path) -> None:
    text = render(shipped().current, server(tmp_path), NOW_MS)
    for wrong in (("accounts {", "accounts ["), ("nkey: U", "nkey: X"), ("account: HUB", "account: NOBODY")):
        assert accepted(tmp_path, text.replace(*wrong, 1)).returncode != 0


# -- quoting --------------------------------------------------------------------------------------

PATHS = {
    "a space": "een map",
    "a quote": 'een "map"',
    "an apostrophe": "een 'map'",
    "a backslash": "een\\map",
    "braces and a hash": "{een} # map",
    "a variable": "$HOME",
    "a setting of its own": '" \n authorization { user: a, password: b } #',
    "a line break": "een\nmap",
    "a tab": "een\tmap",
    "é": "José",
    "a control character": "een\x08map",
    "an emoji": "map🗳",
}


@pytest.mark.parametrize("name", PATHS.values(), ids=PATHS.keys())
def test_any_directory_name_stays_within_its_quotes(tmp_path: Path, name: str) -> None:
    folder = str(tmp_path / name)
    text = render(shipped().current, server(tmp_path, store_dir=folder), NOW_MS)
    done = accepted(tmp_path, text)
    assert done.returncode == 0, done.stderr
    plain = render(shipped().current, server(tmp_path, store_dir="x"), NOW_MS)
    assert text.count("\n") == plain.count("\n")
    assert [a for a, b in zip(text.split("\n"), plain.split("\n"), strict=True) if a != b] == [
        # The tag is a digest of the rest.
        line
        for line in text.split("\n")
        if "store_dir" in line or line.startswith("server_tags: ")
    ]


@pytest.mark.nats
@pytest.mark.parametrize("name", ["een map", 'een "map"', "een\\map", "{een} # map", "$HOME"])
def test_the_server_stores_where_it_was_told_and_nowhere_else(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    view = shipped().current
    text = render(view, server(tmp_path, store_dir=str(folder), listen="127.0.0.1:-1"), NOW_MS)
    (tmp_path / "nats.conf").write_text(text)
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([NATS_SERVER, "-c", tmp_path / "nats.conf"], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 30
        while b"Server is ready" not in (tmp_path / "log").read_bytes() and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()
    assert b"Server is ready" in (tmp_path / "log").read_bytes()
    assert {p.name for p in tmp_path.iterdir()} == {"nats.conf", "nats.pid", "log", name}
    assert (folder / "jetstream").is_dir()


HOSTILE = [
    'a"', "a'", "a{", "a}", "a b", "a.b", "a*", "a>", "$a", "a#", "a\n", "a\\", "A", "", "é", "a" * 33, "a,b", "a:b",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize(
    "place",
    [
        lambda t, n: t.update(enclave=n),
        lambda t, n: t["parties"][0].update(token=n),
        lambda t, n: t["parties"][0]["identities"][0].update(name=n),
        lambda t, n: t["brokers"][0].update(name=n),
        lambda t, n: t["brokers"][0].update(nats=n),
        lambda t, n: t["parties"][0]["identities"][0].update(nats=n),
        lambda t, n: t["periods"].update(next=n),
    ],
    ids=["enclave", "party", "identity", "broker", "broker's key", "identity's key", "period"],
)
def test_no_hostile_name_gets_as_far_as_the_configuration(
    place: Callable[[dict[str, Any], str], None], name: str
) -> None:
    """The register does not hold one: it is refused before anything is rendered from it."""
    with pytest.raises(MalformedError):
        make_directory(change=lambda table: place(table, name))


@pytest.mark.parametrize(
    "key", ["U" + "A" * 55 + "\n", "U" + "A" * 54, "u" + "A" * 55, "A" * 56, "U" + "1" * 55]
)
def test_a_nats_key_is_a_user_key_and_nothing_around_it(key: str) -> None:
    with pytest.raises(MalformedError):
        make_directory(change=lambda table: table["brokers"][0].update(nats=key))


# -- who reaches what -----------------------------------------------------------------------------


def blocks(text: str) -> dict[str, str]:
    """The text of each account."""
    found = re.split(r"^  (HUB|P_[a-z0-9-]+) \{$", text, flags=re.MULTILINE)
    return dict(zip(found[1::2], found[2::2], strict=True))


def subjects(block: str, kind: str) -> set[str]:
    """The subjects in one list of an account, such as imports or exports."""
    match = re.search(rf"^    {kind}: \[\n(.*?)^    \]$", block, flags=re.MULTILINE | re.DOTALL)
    assert match is not None
    return set(re.findall(r'"([^"]+)"', match[1]))


def test_jetstream_is_in_hub_alone(witnessed: View, tmp_path: Path) -> None:
    text = render(witnessed, server(tmp_path), NOW_MS)
    assert set(blocks(text)) == {"HUB", *(f"P_{t}" for t in TOKENS)}
    assert [name for name, block in blocks(text).items() if "jetstream" in block] == ["HUB"]
    assert "sync_interval: always" in text


def gossips(view: View, token: str) -> set[str]:
    """The logs that a party reads, by the consumers that it has, and the directory."""
    feeds = {
        c.stream.removeprefix("FEED_").replace("_", ".")
        for c in consumers(view, NOW_MS)
        if c.name == f"{token}-1" and c.stream.startswith("FEED_")
    }
    return feeds | {"directory"} if feeds else set()


@pytest.mark.parametrize("token", TOKENS)
def test_gossip_goes_to_those_who_read_the_same_log_and_to_no_broker(
    witnessed: View, tmp_path: Path, token: str
) -> None:
    found = blocks(render(witnessed, server(tmp_path), NOW_MS))
    assert "gossip" not in found["HUB"]
    exports = dict(re.findall(r'\{stream: "([^"]+)", accounts: \[([^\]]+)\]\}', found[f"P_{token}"]))
    assert exports == {
        f"seinpost.gossip.{token}.{log}": ", ".join(others)
        for log in gossips(witnessed, token)
        if (others := [f"P_{t}" for t in TOKENS if t != token and log in gossips(witnessed, t)])
    }


@pytest.mark.parametrize("token", TOKENS)
def test_an_account_imports_what_its_users_may_and_hub_exports_it_to_no_other(
    witnessed: View, tmp_path: Path, token: str
) -> None:
    found = blocks(render(witnessed, server(tmp_path), NOW_MS))
    party = witnessed.party(token)
    wanted = {r.subject for r in identity_rights(witnessed, party, f"{token}-1", NOW_MS)}
    if any(w.party == token for w in witnessed.register.witnesses):
        wanted |= {r.subject for r in witness_rights(witnessed.register)}
    heard = {
        f"seinpost.gossip.{other}.{log}"
        for other in TOKENS
        if other != token
        for log in gossips(witnessed, token) & gossips(witnessed, other)
    }
    assert subjects(found[f"P_{token}"], "imports") == wanted | heard
    exported = re.findall(r'\{service: "([^"]+)"[^}]*accounts: \[([^\]]*)\]\}', found["HUB"])
    assert {s for s, accounts in exported if accounts == f"P_{token}"} == wanted
    assert all("," not in accounts for _, accounts in exported)


@pytest.mark.parametrize("token", TOKENS)
def test_a_user_publishes_its_rights_and_receives_in_its_partys_inbox(
    witnessed: View, tmp_path: Path, token: str
) -> None:
    found = blocks(render(witnessed, server(tmp_path), NOW_MS))[f"P_{token}"]
    (user,) = re.findall(
        rf"\{{nkey: {keys_of(token).nats}, permissions: \{{(.*?)^      \}}\}}", found, re.M | re.S
    )
    publish, _, rest = user.partition("]}")
    wanted = {r.subject for r in identity_rights(witnessed, witnessed.party(token), f"{token}-1", NOW_MS)}
    told = {f"seinpost.gossip.{token}.{log}" for log in gossips(witnessed, token)}
    assert set(re.findall(r'"([^"]+)"', publish)) == wanted | told
    assert re.findall(r'"([^"]+)"', rest) == [f"_INBOX_{token}.>", "seinpost.gossip.>"]
    assert "allow_responses" not in user


def test_every_user_stands_in_one_account(witnessed: View, tmp_path: Path) -> None:
    text = render(witnessed, server(tmp_path), NOW_MS)
    users = re.findall(r"nkey: (U[A-Z2-7]{55})", text)
    register = witnessed.register
    known = [i.nats for p in register.parties for i in p.identities]
    known += [b.nats for b in register.brokers] + [w.nats for w in register.witnesses]
    assert sorted(users) == sorted(known)
    hub = re.findall(r"nkey: (U[A-Z2-7]{55})", blocks(text)["HUB"])
    assert hub == [b.nats for b in register.brokers]


def test_a_witness_answers_hub_and_nobody_else(witnessed: View, tmp_path: Path) -> None:
    found = blocks(render(witnessed, server(tmp_path), NOW_MS))
    parties = {w.party for w in witnessed.register.witnesses}
    # Beside the witnesses' answers only what the server says of itself, and that it reads its own file again.
    state = {"$SYS", "$SYS.REQ.SERVER.PING.VARZ", "$SYS.REQ.SERVER.*.RELOAD"}
    assert subjects(found["HUB"], "imports") == state | {f"seinpost.witness.{p}" for p in parties}
    for token in TOKENS:
        exports = re.findall(r'\{service: "([^"]+)", accounts: \[HUB\]\}', found[f"P_{token}"])
        assert exports == ([f"seinpost.witness.{token}"] if token in parties else [])
        # It answers what it was asked, and is the only user of its account that answers anything.
        assert found[f"P_{token}"].count("allow_responses: true") == (token in parties)


@pytest.mark.parametrize("ended", [True, False], ids=["ended", "gone"])
def test_a_witness_without_a_mandate_or_out_of_the_register_is_no_user(
    witnessed: View, tmp_path: Path, ended: bool
) -> None:
    def change(table: dict[str, Any]) -> None:
        with_witnesses(table)
        mandates = next(p for p in table["parties"] if p["token"] == "ncsc")["mandates"]
        if ended:
            next(m for m in mandates if "witness" in m["actions"])["until"] = ISSUED + dt.timedelta(hours=1)
        else:
            table["quorum"], table["witnesses"] = 2, table["witnesses"][1:]

    found = blocks(text := render(make_directory(change=change).current, server(tmp_path), NOW_MS))
    user = next(w.nats for w in witnessed.register.witnesses if w.party == "ncsc")
    assert user in render(witnessed, server(tmp_path), NOW_MS)
    assert user not in text
    assert "seinpost.witness.ncsc" not in text
    assert "allow_responses" not in found["P_ncsc"]
    assert accepted(tmp_path, text).returncode == 0
    # Its party's machines are not its witness.
    assert keys_of("ncsc").nats in found["P_ncsc"]


def test_the_tag_is_of_the_very_text(witnessed: View, tmp_path: Path) -> None:
    text = render(witnessed, server(tmp_path), NOW_MS)
    assert text.count(tag_of(text)) == 1
    _, _, rest = text.partition(f'server_tags: ["{tag_of(text)}"]\n')
    assert tag_of(text) == "seinpost-" + hashlib.sha256(rest.encode()).hexdigest()
    others = [
        render(shipped().current, server(tmp_path), NOW_MS),
        render(witnessed, server(tmp_path, name="x"), NOW_MS),
    ]
    assert len({tag_of(t) for t in (text, *others)}) == 3


def test_the_file_holds_no_secret_and_is_the_same_every_time(witnessed: View, tmp_path: Path) -> None:
    text = render(witnessed, server(tmp_path), NOW_MS)
    assert text == render(witnessed, server(tmp_path), NOW_MS)
    assert not re.search(r"\bS[UAO][A-Z2-7]{56}\b", text)
    assert "password" not in text


def test_the_file_follows_the_mandates_in_force(tmp_path: Path) -> None:
    view = shipped().current
    late = int(view.register.expires.timestamp() * 1000) + 1
    assert render(view, server(tmp_path), NOW_MS) == render(view, server(tmp_path), late)
    fields = msgspec.structs.asdict(server(tmp_path))
    assert all(str(v) in render(view, server(tmp_path), NOW_MS) for v in fields.values() if v is not None)


def test_a_revoked_identity_is_no_user_and_gets_no_consumer(tmp_path: Path) -> None:
    def revoke(table: dict[str, Any]) -> None:
        sender_id = next(p for p in table["parties"] if p["token"] == "om")["identities"][0]["sender_id"]
        table["revocations"] = [{"sender_id": sender_id, "reason": "gestolen", "suspect_from": ISSUED}]

    view = make_directory(change=revoke).current
    (revoked,) = view.party("om").identities
    assert revoked.nats in render(shipped().current, server(tmp_path), NOW_MS)
    text = render(view, server(tmp_path), NOW_MS)
    assert revoked.nats not in text
    assert f'.{revoked.name}"' not in text
    assert revoked.name not in {c.name for c in consumers(view, NOW_MS)}


# -- certificates ---------------------------------------------------------------------------------

OIN = {p.token: p.oin for p in shipped().current.register.parties}


def subject(party: str) -> str:
    return f'SERIALNUMBER={OIN[party]},CN={party} \\"x\\",O=Coördinatie\\, NL,C=NL'


def certified(table: dict[str, Any]) -> None:
    """NCSC and a witness by certificate, everyone else by NKEY; a key on record for each."""
    with_witnesses(table)
    users = [i for p in table["parties"] for i in p["identities"]] + table["witnesses"] + table["brokers"]
    for number, user in enumerate(users):
        user["certificate_keys"] = [f"{number:064x}"]
        if user["name"] in ("ncsc-1", "ap-witness"):
            del user["nats"]
            user["certificate"] = subject(user["name"].partition("-")[0])


@pytest.fixture(scope="module")
def by_certificate() -> View:
    return make_directory(change=certified).current


def files(folder: Path) -> dict[str, str]:
    """A server's certificate, key and CA, which nats-server -t reads."""
    pki = TrialPkiFiles(folder / "pki")
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    pki.found(now)
    pki.issue("server", TLS, lambda ca: issue_server(ca, ["localhost"], OIN["ncsc"], now))
    names = {"certificate": "server.crt", "key": "server.key", "clients_ca": "ca.pem"}
    return {k: str(pki.path / v) for k, v in names.items()}


def test_the_server_accepts_certificates_for_users(tmp_path: Path, by_certificate: View) -> None:
    text = render(by_certificate, server(tmp_path, tls=Tls(**files(tmp_path))), NOW_MS)
    done = accepted(tmp_path, text)
    assert done.returncode == 0, done.stderr
    for wanted in ("verify_and_map: true", 'min_version: "1.3"', "handshake_first: true"):
        assert text.count(wanted) == 1
    quoted = subject("ncsc").replace("\\", "\\\\").replace('"', '\\"')
    assert f'{{user: "{quoted}", permissions: {{' in blocks(text)["P_ncsc"]
    # Only its witness has an NKEY in NCSC's account.
    assert re.findall(r"nkey: (\w+)", blocks(text)["P_ncsc"]) == [keys_of("ncsc-witness").nats]


@pytest.mark.parametrize("tls", [False, True])
def test_a_certificate_is_no_user_where_none_is_asked_for(
    tmp_path: Path, by_certificate: View, tls: bool
) -> None:
    """Else its subject would be a name without a password, which anyone can give."""
    given = files(tmp_path) if tls else {}
    given.pop("clients_ca", None)
    text = render(by_certificate, server(tmp_path, tls=Tls(**given) if given else None), NOW_MS)
    assert accepted(tmp_path, text).returncode == 0
    assert "user:" not in text
    assert "SERIALNUMBER" not in text
    assert "verify" not in text
    assert sorted(unmapped(by_certificate)) == ["ap-witness", "ncsc-1"]


def test_a_pinned_register_lets_in_the_keys_on_record_of_those_in_force(tmp_path: Path) -> None:
    def change(table: dict[str, Any]) -> None:
        certified(table)
        table["pinned"] = True
        sender_id = next(p for p in table["parties"] if p["token"] == "om")["identities"][0]["sender_id"]
        table["revocations"] = [{"sender_id": sender_id, "reason": "gestolen", "suspect_from": ISSUED}]

    view = make_directory(change=change).current
    text = render(view, server(tmp_path, tls=Tls(**files(tmp_path))), NOW_MS)
    assert accepted(tmp_path, text).returncode == 0
    (pinned,) = re.findall(r"pinned_certs: \[(.*)\]", text)
    (revoked,) = view.party("om").identities[0].certificate_keys
    everyone = [i for p in view.register.parties for i in p.identities]
    wanted = {
        k for u in (*everyone, *view.register.witnesses, *view.register.brokers) for k in u.certificate_keys
    }
    assert set(re.findall(r'"([0-9a-f]{64})"', pinned)) == wanted - {revoked}
    for tls in (None, Tls(certificate="a", key="b")):
        with pytest.raises(SetupError, match="on record only"):
            render(view, server(tmp_path, tls=tls), NOW_MS)
