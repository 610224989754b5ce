// SPDX-FileCopyrightText: 2026 The Seinpost developers
// SPDX-License-Identifier: EUPL-1.2

// What an identity says in the directory itself (docs/spec.md, section 8.4).

import { x25519 } from "@noble/curves/ed25519.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";

import { Reader, concat, equal, label } from "./bytes.mjs";
import { SIGNATURE_LENGTH, verifyComposite } from "./composite.mjs";
import { senderId } from "./envelope.mjs";
import { demand } from "./errors.mjs";

export const PREKEY = 3;
export const REVOCATION = 4;
const LABELS = { [PREKEY]: label("seinpost/prekey/v1"), [REVOCATION]: label("seinpost/own-revocation/v1") };
const KEM_LENGTH = 1_216;
const MLKEM_LENGTH = 1_184;
const END_OF_TIME_MS = 253_402_300_800_000n;

const startsWith = (bytes, start) => equal(bytes.slice(0, start.length), start);

/** Which of the two bytes claim to be. */
export const statementType = (bytes) => (startsWith(bytes, LABELS[PREKEY]) ? PREKEY : REVOCATION);

/** The sender that a statement names; not verified. */
export function statementSender(type, bytes) {
  const start = LABELS[type].length + 16;
  return bytes.slice(start, start + 16);
}

/** Decode and verify a statement of one type for an enclave, by the sender's composite public key. */
export function verifyStatement(type, bytes, enclaveId, publicKey) {
  const tag = LABELS[type];
  const length = tag.length + 40 + (type === PREKEY ? KEM_LENGTH : 0) + SIGNATURE_LENGTH;
  demand(bytes.length === length && startsWith(bytes, tag), "malformed", "not a statement of this type");
  const reader = new Reader(bytes);
  reader.take(tag.length);
  const enclave = reader.take(16);
  const sender = reader.take(16);
  const number = reader.u64();
  if (type === PREKEY) demand(number > 0n, "malformed", "prekeys are numbered from 1");
  else demand(number < END_OF_TIME_MS, "malformed", "a moment beyond every calendar");
  const kem = type === PREKEY ? reader.take(KEM_LENGTH) : null;
  demand(equal(enclave, enclaveId), "binding", "the enclave is another");
  demand(equal(sender, senderId(publicKey)), "binding", "the sender is another");
  const signed = bytes.slice(0, length - SIGNATURE_LENGTH);
  demand(verifyComposite(publicKey, bytes.slice(-SIGNATURE_LENGTH), signed, tag), "signature", "the signature fails");
  if (type === REVOCATION) return { type, suspect_from_ms: number };
  demandKem(kem);
  return { type, number, kem_key_id: sha256(concat(label("seinpost/kem-key/v1"), kem)).slice(0, 16) };
}

/** A key that can be sealed to: ML-KEM's coefficients are in range, and X25519's point is not of low order. */
function demandKem(kem) {
  try {
    ml_kem768.encapsulate(kem.slice(0, MLKEM_LENGTH));
    x25519.getSharedSecret(x25519.utils.randomSecretKey(), kem.slice(MLKEM_LENGTH));
  } catch {
    demand(false, "malformed", "not a KEM public key");
  }
}
