// SPDX-FileCopyrightText: 2026 The Seinpost developers
// SPDX-License-Identifier: EUPL-1.2

// Splitting and verifying an envelope (docs/spec.md, sections 1, 4.1 and 4.3).

import { sha256 } from "@noble/hashes/sha2.js";

import { concat, equal, label } from "./bytes.mjs";
import { SIGNATURE_LENGTH, verifyComposite } from "./composite.mjs";
import { demand } from "./errors.mjs";
import { HEADER_LENGTH, MAX_BODY, bodyHash, decodeHeader } from "./header.mjs";

const OVERHEAD = HEADER_LENGTH + SIGNATURE_LENGTH;

/** Cut an envelope in header, signature and body; nothing of it is trusted yet. */
export function decodeEnvelope(bytes) {
  demand(bytes.length <= OVERHEAD + MAX_BODY, "too-large", "the envelope is above the limit");
  demand(bytes.length >= OVERHEAD, "malformed", "the envelope is too short");
  const headerBytes = bytes.slice(0, HEADER_LENGTH);
  const header = decodeHeader(headerBytes);
  demand(bytes.length === OVERHEAD + header.body_len, "malformed", "the length does not follow from body_len");
  return { header, headerBytes, signature: bytes.slice(HEADER_LENGTH, OVERHEAD), body: bytes.slice(OVERHEAD) };
}

export const senderId = (publicKey) => sha256(concat(label("seinpost/sender/v1"), publicKey)).slice(0, 16);

/** Verify both signature halves, the body's hash, and that sender and enclave are the expected ones. */
export function verifyEnvelope(envelope, publicKey, enclaveId) {
  const { header, headerBytes, signature, body } = envelope;
  const context = label(`seinpost/kind-${header.kind}/v1`);
  demand(verifyComposite(publicKey, signature, headerBytes, context), "signature", "the signature does not verify");
  demand(equal(bodyHash(body), header.body_hash), "signature", "the body is not the one that was signed");
  demand(equal(senderId(publicKey), header.sender_id), "binding", "the sender is another");
  demand(equal(enclaveId, header.enclave_id), "binding", "the enclave is another");
}
