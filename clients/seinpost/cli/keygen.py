# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`seinpost keygen`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, Literal

import msgspec
from cryptography import x509

from seinpost._certificates import read_certificate, read_certificates, read_sealing_key
from seinpost._files import NewFile
from seinpost.identity import generate_identity, read_passphrase_file, store_identity
from seinpost.registrar.key_statement import SealingKey, seal_statement
from seinpost_schemas.cert_subject import certificate_key_of, subject_of
from seinpost_schemas.entry import to_base64
from seinpost_schemas.errors import MalformedError, SetupError
from seinpost_schemas.oin import verify_oin
from seinpost_schemas.request import KeyRequest, WitnessRequest, decode_request
from seinpost_schemas.subjects import parse_token

from ._passphrase import find_passphrase


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


def run(
    file: Path,
    owner: Owner,
    passphrase_file: Path | None,
    witness_of: str | None,
    seal: Seal,
    *,
    as_json: bool,
) -> int:
    """Make an identity file and its request; 0."""
    request_file = file.with_name(file.name + ".request.json")
    for path in (file, request_file):
        # Before anyone thinks of a passphrase; what comes meanwhile is not overwritten either.
        if path.exists():
            raise SetupError(f"{path} exists already: choose another name, nothing was changed")
    connecting = _connecting(owner)
    sealing = seal.load()
    oin = _oin(owner, sealing[0][0]) if sealing is not None else owner.oin
    identity, secret = generate_identity(owner.party, owner.name)
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
    store_identity(file, identity, secret, passphrase, beside=[NewFile(request_file, text + b"\n")])
    if as_json:
        print(text.decode())
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
