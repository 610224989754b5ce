# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A whole life of an enclave, all its output and every file, searched for every key and passphrase in every form."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.enclave import Running, make_enclave, run, run_broker_command
from harness.registrar import Desk
from harness.samples import line
from harness.secrets import PIECE, Secrets, secret_of

pytestmark = [pytest.mark.nats]
PASSPHRASE = "een heel lange wachtwoordzin"
TITLE = "Nagemaakte stempas in Appingedam"
WHERE = ("--theme", "process", "--classification", "depv")
CRASH = """
import seinpost.{module} as module
def crash(*arguments, **named):
    shown = [repr(a) for a in (*arguments, *named.values()) if not isinstance(a, bytes)]
    raise RuntimeError(f"as a defect would, with all objects at hand: {{shown}}")
module.{name} = crash
"""
CRASHES = (
    ("_lane", "seal_batch"),
    ("epochs", "make_epoch"),
    ("identity", "Identity"),
    ("_directory", "TrustedDirectory"),
)


class Life:
    """Everything that was printed, command by command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.printed: dict[str, bytes] = {}
        self.enclave = make_enclave(folder / "e", "ncsc", "bzk", "tafel", "ibd", "ap", witnesses=True)

    def __call__(self, *words: str | Path, patch: str = "", stdin: bytes = b"") -> int:
        done = run(*words, patch=patch, stdin=stdin, seconds=90)
        self.printed[f"{len(self.printed)} {' '.join(map(str, words))}"] = (
            done.stdout.encode() + done.stderr.encode()
        )
        return done.status

    def broker(self, *words: str | Path) -> int:
        done = run_broker_command(*words)
        self.printed[f"{len(self.printed)} broker {words[0]}"] = done.stdout.encode() + done.stderr.encode()
        return done.status


def register_commands(life: Life, folder: Path, desk: Desk) -> None:
    """Every command of the register, right and wrong."""
    passphrase = folder / "own.pass"
    note, key = life.enclave.path / "register.note", folder / "bzk-3.key"
    assert life("register", "key", key, "--name", "bzk-3", "--passphrase-file", passphrase) == 0
    made = folder / "ncsc-2.key"
    keygen = ("keygen", made, "--party", "ncsc", "--name", "ncsc-2", "--passphrase-file", passphrase)
    assert life(*keygen, "--witness-of", "proef", "--machine", "piket") == 0
    assert life(*keygen) == 4
    assert (
        life(
            "keygen",
            folder / "json.key",
            "--party",
            "ap",
            "--name",
            "x",
            "--passphrase-file",
            passphrase,
            "--json",
        )
        == 0
    )
    draft = folder / "draft.toml"
    assert life("register", "new", draft, "--from", note) == 0
    assert life("register", "add", f"{made}.request.json", "--to", draft) == 4
    assert life("register", "add", made, "--to", draft, "--fingerprint", "00" * 32) == 1
    assert life("register", "rotate", draft, "--add", f"{key}.vkey") == 0
    assert life("register", "revoke", draft, "ibd-1", "--reason", "x", "--since", "2026-11-01T00:00:00Z") == 0
    assert life("register", "check", draft, "--draft", "--previous", note) == 0
    assert life("register", "diff", note, draft) == 0
    for name in ("bzk-1", "nctv-1"):
        registrar = life.enclave.path / "registrars" / f"{name}.key"
        assert life("register", "sign", draft, "--key", registrar, "--previous", note) == 0
    assert (
        life("register", "sign", draft.with_suffix(".note"), "--key", key, "--passphrase-file", passphrase)
        == 0
    )
    wrong = folder / "wrong.pass"
    assert life("register", "sign", draft, "--key", key, "--passphrase-file", wrong) == 4
    assert life("register", "sign", draft, "--key", made, "--passphrase-file", passphrase) == 4
    for words in (
        ("show", draft),
        ("show", key),
        ("explain", "ncsc", "--register", draft),
        ("history", note),
    ):
        life("register", *words)
    config = life.enclave.config("bzk")
    assert life("register", "publish", draft.with_suffix(".note"), "--config", config) == 0
    assert life("register", "publish", key, "--config", config) in (1, 4)
    desk.took(draft.with_suffix(".note"))


def daily_commands(life: Life, folder: Path) -> None:
    """Publishing, reading, auditing, and what goes wrong with keys."""
    enclave, source = life.enclave, folder / "signal.json"
    source.write_bytes(line(TITLE))
    config = enclave.config("ncsc")
    assert life("publish", source, "--config", config, *WHERE, "--audited") == 0
    assert life("watch", "--config", enclave.config("tafel"), "--from-start", "--idle", "4") == 0
    assert life("receipts", "--config", config) in (0, 1)
    assert life("audit", "export", folder / "export", "--config", enclave.config("tafel")) == 0
    wrong = folder / "wrong.pass"
    for words in (("publish", source, *WHERE), ("watch", "--idle", "1"), ("witness",)):
        target = ("--config", config) if words[0] != "witness" else (enclave.config("ap-witness"),)
        assert life(*words, *target, "--passphrase-file", wrong) == 4
    opened = folder / "open.key"
    opened.write_bytes((enclave.path / "identities" / "ncsc-1.key").read_bytes())
    opened.chmod(0o644)
    text = config.read_text().replace("identities/ncsc-1.key", str(opened))
    (enclave.path / "open.toml").write_text(text)
    assert life("publish", source, "--config", enclave.path / "open.toml", *WHERE) == 4
    # Defects, with all that they print, in the middle of working with keys.
    for module, name in CRASHES:
        status = life(
            "publish", source, "--config", config, *WHERE, patch=CRASH.format(module=module, name=name)
        )
        assert status != 4


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    made = Life(tmp_path)
    for name, text in (("own", PASSPHRASE), ("wrong", PASSPHRASE + " maar een andere")):
        path = tmp_path / f"{name}.pass"
        path.write_text(text + "\n")
        path.chmod(0o600)
    yield made
    Running.end_all()
    made.enclave.stop()


def test_no_key_and_no_passphrase_is_in_any_output_or_file(life: Life, tmp_path: Path) -> None:
    enclave = life.enclave
    enclave.start(witnesses=True)
    desk = Desk(enclave, tmp_path)
    daily_commands(life, tmp_path)
    register_commands(life, tmp_path, desk)
    for words in (
        ("drift", enclave.path),
        ("render", enclave.path),
        ("publish-register", enclave.path, desk.newest),
    ):
        life.broker(*words)
    # A server that dies, and a broker whose key is not one.
    enclave.kill_nats()
    assert life("watch", "--config", enclave.config("tafel"), "--idle", "3") in (0, 1, 3)
    enclave.stop()
    assert life.broker("init", enclave.path) == 4
    key = (enclave.path / "broker.key").read_bytes()
    (enclave.path / "broker.key").write_bytes(key[:-9])
    assert life.broker("run", enclave.path) == 4
    (enclave.path / "broker.key").write_bytes(key)

    secrets = Secrets()
    secrets.add_enclave(enclave.path, "proef")
    secrets.add_text("own passphrase", PASSPHRASE)
    for name in ("ncsc-2", "json"):
        secrets.add_identity(tmp_path / f"{name}.key", PASSPHRASE, "proef")
    named = {"ncsc-1", "ncsc-1 passphrase", "ap-witness", "bzk-1", "broker log key", "tafel-1 keyring"}
    assert named <= set(secrets.forms)

    leaks = {name: found for name, data in life.printed.items() if (found := secrets.found_in(data))}
    assert leaks == {}
    assert len(life.printed) > 35
    # Tracebacks were among it.
    assert any(b"as a defect would" in data for data in life.printed.values())
    # And nothing but the files that are for secrets holds one: logs, streams, states, notes, exports.
    kept = [*(enclave.path / "identities").glob("*.pass"), *(enclave.path / "registrars").glob("*.key")]
    kept += [enclave.path / "broker.key", *tmp_path.glob("*.pass")]
    assert secrets.found_in_files(tmp_path, kept) == {}
    logs = [enclave.path / n for n in ("broker.log", "nats/nats.log", "witnesses.log")]
    assert all(log.stat().st_size for log in logs)
    # What a signal says is with its readers, and in nothing that the broker has.
    held = [p for p in (*logs, *(enclave.path / "nats").rglob("*")) if p.is_file()]
    assert [p for p in held if TITLE.encode() in p.read_bytes()] == []

    # The control: each secret is found where it is, and in whatever form it would slip out.
    assert secrets.found_in((enclave.path / "broker.key").read_bytes()) == {
        "broker log key",
        "broker connection key",
    }
    assert secrets.found_in((enclave.path / "registrars" / "bzk-2.key").read_bytes()) == {"bzk-2"}
    passphrases = {p.name for p in kept if p.parent.name == "identities"}
    assert set(secrets.found_in_files(enclave.path / "identities")) == passphrases
    _, secret = secret_of(tmp_path / "ncsc-2.key", PASSPHRASE)
    for shown in shapes(secret):
        assert "ncsc-2" in secrets.found_in(b"x" + shown + b"x"), shown


def shapes(secret: bytes) -> Iterator[bytes]:
    piece = secret[64 : 64 + PIECE]
    yield from (secret, piece, secret.hex().encode(), piece.hex().upper().encode(), repr(piece).encode())
    for cut in range(4):
        yield base64.b64encode(secret[cut:])
        yield base64.urlsafe_b64encode(secret[cut:])
    yield repr(list(piece)).encode()
