# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`seinpost keygen`."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any, Literal

import msgspec
from cryptography import x509

from seinpost._certificates import read_certificate, read_certificates, read_sealing_key
from seinpost._files import NewFile
from seinpost._token import TokenAccess, TokenKey, make_key, open_key, remove_key
from seinpost.config import load_config
from seinpost.identity import (
    Identity,
    generate_identity,
    generate_successor,
    read_passphrase_file,
    store_identity,
)
from seinpost.registrar.key_statement import SealingKey, seal_statement
from seinpost_schemas.cert_subject import certificate_key_of, subject_of
from seinpost_schemas.entry import to_base64
from seinpost_schemas.errors import MalformedError, SetupError
from seinpost_schemas.oin import verify_oin
from seinpost_schemas.request import KeyRequest, WitnessRequest, decode_request
from seinpost_schemas.subjects import parse_token

from ._output import saying
from ._passphrase import find_passphrase, find_pin, unlock


class Owner(msgspec.Struct, frozen=True):
    """Whose the identity is: the party's token, its OIN (20 digits), the identity's name, the machine.

    ``tls_certificate``: the file with the certificate that it connects with; ``user``: what the server is to know it
    by.
    """

    party: str
    name: str
    oin: str | None = None
    machine: str | None = None
    tls_certificate: Path | None = None
    user: Literal["nkey", "certificate"] = "nkey"


class Seal(msgspec.Struct, frozen=True):
    """The files of the certificate that seals the keys, and of its key; both or neither."""

    certificate: Path | None = None
    key: Path | None = None
    key_passphrase_file: Path | None = None

    def load(self) -> tuple[list[x509.Certificate], SealingKey] | None:
        """(the chain, the key); raises ``SetupError``."""
        if (self.certificate is None) != (self.key is None):
            raise SetupError("--certificate and --key go together: give both or neither; nothing was written")
        if self.certificate is None or self.key is None:
            return None
        passphrase = read_passphrase_file(self.key_passphrase_file) if self.key_passphrase_file else None
        return read_certificates(self.certificate), read_sealing_key(self.key, passphrase)


class Token(msgspec.Struct, frozen=True):
    """The token that is to make and keep the Ed25519 half: its label, its module, and a file with its PIN."""

    label: str | None = None
    module: Path | None = None
    pin_file: Path | None = None

    def access(self) -> TokenAccess | None:
        """How to get at it, ``None`` for no token; raises ``SetupError``."""
        if (self.label is None) != (self.module is None):
            raise SetupError(
                "--token and --token-module go together: give both or neither; nothing was written"
            )
        return TokenAccess(self.module, lambda: find_pin(self.pin_file)) if self.module is not None else None


def load_predecessor(config_file: Path, party: str) -> Identity:
    """The identity of a configuration, unlocked; raises ``SetupError`` when it is another party's."""
    before = unlock(load_config(config_file), None)
    if before.party != party:
        raise SetupError(
            f"{before.name} is an identity of {before.party}, not of {party}; nothing was written"
        )
    return before


def run(
    file: Path,
    owner: Owner,
    passphrase_file: Path | None,
    witness_of: str | None,
    seal: Seal,
    token: Token,
    before: Identity | None = None,
    *,
    as_json: bool,
) -> int:
    """Make an identity file and its request; 0."""
    if before is not None and witness_of is not None:
        raise SetupError("a witness has no signing key that could vouch for another: leave out --succeeds")
    access = token.access()
    if access is None or token.label is None:
        return _run(file, owner, passphrase_file, witness_of, seal, None, before, as_json=as_json)
    # A key that was made in vain goes again.
    key = make_key(token.label, access, owner.name)
    try:
        return _run(file, owner, passphrase_file, witness_of, seal, (key, access), before, as_json=as_json)
    except BaseException:
        remove_key(key, access)
        raise


def _run(
    file: Path,
    owner: Owner,
    passphrase_file: Path | None,
    witness_of: str | None,
    seal: Seal,
    token: tuple[TokenKey, TokenAccess] | None,
    before: Identity | None,
    *,
    as_json: bool,
) -> int:
    request_file = file.with_name(file.name + ".request.json")
    for path in (file, request_file):
        # Before anyone thinks of a passphrase; what comes meanwhile is not overwritten either.
        if path.exists():
            raise SetupError(f"{path} exists already: choose another name, nothing was changed")
    connecting = _connecting(owner)
    sealing = seal.load()
    oin = _oin(owner, sealing[0][0]) if sealing is not None else owner.oin
    signer = open_key(*token) if token is not None else None
    if before is not None:
        identity, secret = generate_successor(before, owner.name, signer)
    else:
        identity, secret = generate_identity(owner.party, owner.name, signer)
    witness = None
    if witness_of is not None:
        public = identity.witness_keys(parse_token(witness_of, "enclave")).public
        witness = WitnessRequest(to_base64(public.ed25519), to_base64(public.mldsa44))
    request = KeyRequest(
        party=owner.party,
        name=owner.name,
        keys=to_base64(identity.keys.encode()),
        nats=identity.nats_public,
        oin=oin,
        machine=owner.machine,
        witness=witness,
        **connecting,
    )
    if before is not None:
        request = request.succeeding(before.signing, before.keys)
    if sealing is not None:
        request = _sealed(request, *sealing)
    text = msgspec.json.encode(request)
    try:
        if owner.oin is not None:
            verify_oin(owner.oin)
        decode_request(text)
    except MalformedError as error:
        raise SetupError(f"{error}; nothing was written") from None
    passphrase = find_passphrase(passphrase_file, None, confirm=True)
    beside = [NewFile(request_file, text + b"\n")]
    store_identity(file, identity, secret, passphrase, token=token[0] if token else None, beside=beside)
    with saying(f"{file} and {request_file} are made"):
        if as_json:
            print(json.dumps({**msgspec.to_builtins(request), "fingerprint": request.fingerprint().hex()}))
        else:
            print(f"{file}: identity {owner.name} of {owner.party}, sender_id {identity.sender_id.hex()}")
            print(f"{request_file}: for a registrar; check this fingerprint with them by another way:")
            print(f"  {request.fingerprint().hex()}")
    return 0


def _oin(owner: Owner, certificate: x509.Certificate) -> str:
    """The OIN of a certificate, which the request then names."""
    try:
        shown = subject_of(certificate).serial_number
        if shown is None:
            raise MalformedError("the certificate's subject has no serialNumber: it must be the party's OIN")
        verify_oin(shown)
    except MalformedError as error:
        raise SetupError(f"{error}; nothing was written") from None
    if owner.oin not in (None, shown):
        raise SetupError(
            f"the certificate is of OIN {shown}, and --oin says {owner.oin}; nothing was written"
        )
    return shown


def _sealed(request: KeyRequest, chain: list[x509.Certificate], key: SealingKey) -> KeyRequest:
    try:
        statement = seal_statement(request, chain, key, dt.datetime.now(dt.UTC))
    except MalformedError as error:
        raise SetupError(f"{error}; nothing was written") from None
    return msgspec.structs.replace(request, statement=statement)


def _connecting(owner: Owner) -> dict[str, Any]:
    """What the request says of the certificate that it connects with."""
    if owner.tls_certificate is None:
        if owner.user == "certificate":
            raise SetupError("--user certificate needs --tls-certificate; nothing was written")
        return {}
    certificate = read_certificate(owner.tls_certificate)
    subject = None
    if owner.user == "certificate":
        try:
            subject = str(subject_of(certificate))
        except MalformedError as error:
            raise SetupError(f"{owner.tls_certificate}: {error}; nothing was written") from None
    return {"certificate": subject, "certificate_keys": (certificate_key_of(certificate),)}
