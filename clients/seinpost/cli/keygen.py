# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`seinpost keygen`."""

from __future__ import annotations

import json
from pathlib import Path

from seinpost.identity import generate_identity, store_identity
from seinpost_schemas.entry import to_base64
from seinpost_schemas.errors import SetupError
from seinpost_schemas.subjects import parse_token

from ._passphrase import find_passphrase


def run(
    file: Path, party: str, name: str, passphrase_file: Path | None, witness_of: str | None, *, as_json: bool
) -> int:
    """Make an identity file and its request; 0."""
    request_file = file.with_name(file.name + ".request.json")
    if request_file.exists():
        raise SetupError(f"{request_file} exists already: choose another name, nothing was changed")
    identity, secret = generate_identity(party, name)
    store_identity(file, identity, secret, find_passphrase(passphrase_file, None, confirm=True))
    request: dict[str, object] = {
        "party": party,
        "name": name,
        "keys": to_base64(identity.keys.encode()),
        "nats": identity.nats_public,
    }
    if witness_of is not None:
        public = identity.witness_keys(parse_token(witness_of, "enclave")).public
        request["witness"] = {"ed25519": to_base64(public.ed25519), "mldsa44": to_base64(public.mldsa44)}
    request_file.write_text(json.dumps(request) + "\n")
    if as_json:
        print(json.dumps(request))
    else:
        print(f"{file}: identity {name} of {party}, sender_id {identity.sender_id.hex()}")
        print(f"{request_file}: for a registrar; check this fingerprint with them by another way:")
        print(f"  {identity.keys.keys_hash().hex()}")
    return 0
