# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`seinpost keygen`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

from seinpost._certificates import read_certificate
from seinpost._files import NewFile
from seinpost.identity import generate_identity, store_identity
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


def run(
    file: Path,
    owner: Owner,
    passphrase_file: Path | None,
    witness_of: str | None,
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
        oin=owner.oin,
        machine=owner.machine,
        witness=witness,
        **connecting,
    )
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
