# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""An identity whose Ed25519 half is in a PKCS#11 token: made, used and refused, on a real module."""

from __future__ import annotations

import asyncio
import json
import os
import time
import tomllib
from pathlib import Path

import pytest
import tomli_w
from harness.enclave import Enclave, make_enclave, run
from harness.memory import Sender
from harness.registrar import Desk
from harness.samples import signal as sample
from harness.samples import table
from harness.softhsm import LABEL, MODULE, PIN, SoftToken, available, soft_token

import seinpost
from seinpost._token import TokenAccess, TokenKey, TokenSigner, make_key, open_key, remove_key
from seinpost.epochs import EpochSecrets
from seinpost.identity import Identity, generate_identity, load_identity, store_identity
from seinpost_schemas.errors import SetupError, UnavailableError
from seinpost_schemas.request import decode_request

pytestmark = [pytest.mark.nats, available]

PASSPHRASE = "een lange wachtwoordzin"
ACCESS = TokenAccess(MODULE, lambda: PIN)


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> SoftToken:
    return soft_token(tmp_path_factory)


@pytest.fixture
def key(token: SoftToken) -> TokenKey:
    return make_key(LABEL, ACCESS, "ncsc-1")


def stored(path: Path, key: TokenKey) -> Identity:
    identity, secret = generate_identity("ncsc", "ncsc-1", open_key(key, ACCESS))
    store_identity(path, identity, secret, PASSPHRASE, token=key)
    return identity


def test_an_identity_signs_through_its_token(key: TokenKey, tmp_path: Path) -> None:
    identity = stored(tmp_path / "a.key", key)
    again = load_identity(tmp_path / "a.key", PASSPHRASE, ACCESS)
    assert again.keys == identity.keys
    assert again.signing.public.raw[-32:] == key.public_bytes
    assert (again.nats_seed, again.storage_key) == (identity.nats_seed, identity.storage_key)
    signature = again.signing.sign(b"signal", b"seinpost/kind-2/v1")
    identity.signing.public.verify(signature, b"signal", b"seinpost/kind-2/v1")


def test_the_key_cannot_be_taken_out_of_the_token(key: TokenKey) -> None:
    import pkcs11

    with pkcs11.lib(str(MODULE)).get_token(token_label=LABEL).open() as session:
        private = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, id=bytes.fromhex(key.key_id))
        assert private[pkcs11.Attribute.SENSITIVE]
        assert not private[pkcs11.Attribute.EXTRACTABLE]
        with pytest.raises(pkcs11.PKCS11Error):
            assert not private[pkcs11.Attribute.VALUE]


class Counting:
    """A signer that counts."""

    def __init__(self, signer: TokenSigner) -> None:
        self.public = signer.public
        self.count = 0
        self._signer = signer

    def sign(self, data: bytes) -> bytes:
        self.count += 1
        return self._signer.sign(data)


def test_a_batch_is_one_operation_of_the_token(key: TokenKey) -> None:
    """Of 1,024 signals as of one; and the rates of composite signatures, with and without token, are printed."""
    counting = Counting(open_key(key, ACCESS))
    identity, _ = generate_identity("ncsc", "ncsc-1", counting)
    sender = Sender("ncsc")
    sender.keys = identity
    sender.secrets = EpochSecrets(b"\1" * 16, bytes(32), bytes(32))
    envelope = sender.signals(1024)
    assert (envelope.header.count, counting.count) == (1024, 1)
    identity.signing.public.verify(envelope.signature, envelope.header.encode(), b"seinpost/kind-2/v1")
    own, _ = generate_identity("ncsc", "ncsc-2")
    rates = []
    for signing in (identity.signing, own.signing):
        began, count = time.perf_counter(), 0
        while time.perf_counter() - began < 0.5:
            signing.sign(os.urandom(184), b"seinpost/kind-2/v1")
            count += 1
        rates.append(count / (time.perf_counter() - began))
    print(f"composite signatures a second: {rates[0]:.0f} through the token, {rates[1]:.0f} without")
    assert min(rates) > 5


# -- what is refused ------------------------------------------------------------------------------


def test_without_its_token_the_file_opens_nothing(key: TokenKey, tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    stored(path, key)
    with pytest.raises(SetupError, match="give its module"):
        load_identity(path, PASSPHRASE)
    with pytest.raises(SetupError, match="cannot use the PKCS#11 module") as caught:
        load_identity(path, PASSPHRASE, TokenAccess(tmp_path / "nowhere.so", lambda: PIN))
    assert PIN not in str(caught.value)
    with pytest.raises(SetupError, match="wrong passphrase"):
        load_identity(path, "een andere wachtwoordzin", ACCESS)


def test_a_file_cannot_be_turned_to_another_token_or_key(key: TokenKey, tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    stored(path, key)
    other = make_key(LABEL, ACCESS, "ander")
    file = json.loads(path.read_text())
    for change in ({"label": "x"}, {"key_id": other.key_id}, {"public": other.public}):
        path.write_text(json.dumps(file | {"token": file["token"] | change}))
        with pytest.raises(SetupError, match="or the file was changed"):
            load_identity(path, PASSPHRASE, ACCESS)
    path.write_text(
        json.dumps({k: v for k, v in file.items() if k != "token"} | {"format": "seinpost-identity/1"})
    )
    with pytest.raises(SetupError, match="or the file was changed"):
        load_identity(path, PASSPHRASE, ACCESS)


def test_a_token_without_the_key_or_with_another_one_is_refused(key: TokenKey, tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    stored(path, key)
    remove_key(key, ACCESS)
    with pytest.raises(SetupError, match="does not hold the key"):
        load_identity(path, PASSPHRASE, ACCESS)
    other = make_key(LABEL, ACCESS, "ander")
    mixed = TokenKey(label=LABEL, key_id=other.key_id, public=key.public)
    with pytest.raises(SetupError, match="signs with another key"):
        open_key(mixed, ACCESS)
    with pytest.raises(SetupError, match="not one token called"):
        open_key(TokenKey(label="elders", key_id=other.key_id, public=other.public), ACCESS)


def test_a_token_that_goes_away_is_unavailable(key: TokenKey) -> None:
    signer = open_key(key, ACCESS)
    identity, _ = generate_identity("ncsc", "ncsc-1", signer)
    signer.close()
    with pytest.raises(UnavailableError, match="does not sign") as caught:
        identity.signing.sign(b"x", b"seinpost/kind-2/v1")
    assert PIN not in str(caught.value)


# -- the commands ---------------------------------------------------------------------------------


def words(token: SoftToken, folder: Path, name: str) -> list[str | Path]:
    passphrase = folder / "pass.txt"
    passphrase.write_text(PASSPHRASE + "\n")
    passphrase.chmod(0o600)
    return [
        "keygen",
        folder / f"{name}.key",
        "--party",
        "ncsc",
        "--name",
        name,
        "--passphrase-file",
        passphrase,
        "--token",
        LABEL,
        "--token-module",
        MODULE,
        "--pin-file",
        token.pin_file,
    ]


def test_keygen_leaves_no_key_that_nobody_can_use(token: SoftToken, tmp_path: Path) -> None:
    before = token.objects
    (tmp_path / "a.key.request.json").write_text("mine")
    done = run(*words(token, tmp_path, "a"))
    assert (done.status, "exists already" in done.error) == (4, True), done
    assert token.objects == before
    assert "go together" in run(*words(token, tmp_path, "b")[:-4]).error
    wide = tmp_path / "wide.pin"
    wide.write_text(PIN)
    wide.chmod(0o644)
    assert "can be read by others" in run(*words(token, tmp_path, "b")[:-1], wide).error
    assert "no PIN for the token" in run(*words(token, tmp_path, "b")[:-2]).error
    wrong = tmp_path / "wrong.pin"
    wrong.write_text("000000")
    wrong.chmod(0o600)
    done = run(*words(token, tmp_path, "b")[:-1], wrong)
    assert (done.status, "the PIN of the token" in done.error) == (4, True), done
    assert token.objects == before
    assert not (tmp_path / "b.key").exists()


async def test_signals_signed_through_a_token_go_the_whole_way(token: SoftToken, tmp_path: Path) -> None:
    enclave = make_enclave(tmp_path / "e", "ncsc", "bzk", "tafel")
    made = run(*words(token, tmp_path, "ncsc-2"))
    assert made.status == 0, made
    request = tmp_path / "ncsc-2.key.request.json"
    fingerprint = decode_request(request.read_bytes()).fingerprint().hex()
    enclave.start()
    try:
        desk = Desk(enclave, tmp_path)

        def change(draft: Path) -> None:
            done = run("register", "add", request, "--to", draft, "--fingerprint", fingerprint)
            assert done.status == 0, done

        done = desk.publish(desk.sign(desk.draft(change)), "--request", request)
        assert "is in force" in done.stdout, done
        config = configured(enclave, token, tmp_path)
        wrong = tmp_path / "wrong.pin"
        wrong.write_text("000000")
        wrong.chmod(0o600)
        other = Path(f"{config}.wrong")
        other.write_text(config.read_text().replace(str(token.pin_file), str(wrong)))
        refused = run("watch", "--config", other)
        assert (refused.status, "the PIN of the token" in refused.error) == (4, True), refused
        signal = tmp_path / "signal.json"
        signal.write_text(json.dumps(table("Uit het token", exercise=True)))
        done = run("publish", signal, "--config", config, "--theme", "process", "--classification", "depv")
        assert done.status == 0, done
        assert PIN not in done.stdout + done.stderr
        # From Python as well, and read by someone else.
        async with seinpost.connect(config) as post:
            answer = await post.publish(
                sample("Nog een", exercise=True), theme="process", classification="depv"
            )
            assert str(answer.verdict) == "admitted"
        read = await asyncio.to_thread(enclave.watch, "tafel", "--from-start", "--count", "2")
        assert [r["signal"]["report"]["title"] for r in read.rows] == ["Uit het token", "Nog een"], read
    finally:
        enclave.stop()
    logs = b"".join(p.read_bytes() for p in (tmp_path / "e").rglob("*.log"))
    assert PIN.encode() not in logs


def configured(enclave: Enclave, token: SoftToken, folder: Path) -> Path:
    config = tomllib.loads(enclave.config("ncsc").read_text())
    config |= {
        "identity": str(folder / "ncsc-2.key"),
        "passphrase_file": str(folder / "pass.txt"),
        "state": "state/ncsc-2",
        "token": {"module": str(MODULE), "pin_file": str(token.pin_file)},
    }
    path = enclave.path / "ncsc-2.toml"
    path.write_text(tomli_w.dumps(config))
    return path
