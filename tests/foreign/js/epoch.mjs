// SPDX-FileCopyrightText: 2026 The Seinpost developers
// SPDX-License-Identifier: EUPL-1.2

// The epoch's body, its slots and opening it (docs/spec.md, section 5).

import { sha256 } from "@noble/hashes/sha2.js";

import { Reader, compare, concat, equal, label, u64, u8 } from "./bytes.mjs";
import { Refusal, demand } from "./errors.mjs";
import { objectHash } from "./header.mjs";
import { openHpke } from "./hpke.mjs";

const FIXED = 83;
const SLOT = 1_216;
const MAX_SLOTS = 500;
const CIPHERTEXT = 1_200;

export function decodeEpochBody(bytes) {
  demand(bytes.length >= FIXED, "malformed", "an epoch's body is too short");
  const reader = new Reader(bytes);
  const body = {
    audience: reader.u8(),
    reply_to: reader.take(16),
    commitment: reader.take(32),
    protected_commitment: reader.take(32),
    slots: [],
  };
  const count = reader.u16();
  demand(body.audience !== 0, "malformed", "audience 0");
  demand(count <= MAX_SLOTS, "too-large", "more than 500 slots");
  demand(reader.left === SLOT * count, "malformed", "the body does not end with the last slot");
  for (let i = 0; i < count; i += 1) {
    const slot = { kem_key_id: reader.take(16), wrapped: reader.take(CIPHERTEXT) };
    const rises = i === 0 || compare(body.slots[i - 1].kem_key_id, slot.kem_key_id) < 0;
    demand(rises, "malformed", "slots do not rise");
    body.slots.push(slot);
  }
  return body;
}

export const epochId = (headerBytes) => objectHash(headerBytes).slice(0, 16);

/** The HPKE info of a slot, from the epoch's own header and body. */
export const slotInfo = (header, body, kemKeyId) =>
  concat(
    label("seinpost/epoch-slot/v1"),
    u8(header.suite),
    header.enclave_id,
    header.sender_id,
    u64(header.seq),
    header.prev_hash,
    body.commitment,
    body.protected_commitment,
    kemKeyId,
    u8(header.classification),
    u8(header.theme),
    u64(header.directory_size),
  );

const commit = (text, secret) => sha256(concat(label(text), secret));

/** The epoch's secrets for a reader; the second only when it may read protected sections. */
export async function openEpoch(header, body, keys, readProtected) {
  const slot = body.slots.find((candidate) => equal(candidate.kem_key_id, keys.kemKeyId));
  demand(slot, "bad-slot", "the reader has no slot");
  const secrets = await unwrap(header, body, keys, slot);
  const secret = secrets.slice(0, 32);
  const second = secrets.slice(32);
  demand(equal(commit("seinpost/commitment/v1", secret), body.commitment), "commitment", "the secret is another");
  if (!readProtected) return { secret, protectedSecret: null };
  const committed = equal(commit("seinpost/protected-commitment/v1", second), body.protected_commitment);
  demand(committed, "commitment", "the protected secret is another");
  return { secret, protectedSecret: second };
}

async function unwrap(header, body, keys, slot) {
  let secrets;
  try {
    secrets = await openHpke(keys, slotInfo(header, body, slot.kem_key_id), slot.wrapped);
  } catch {
    throw new Refusal("bad-slot", "the slot does not open");
  }
  demand(secrets.length === 64, "bad-slot", "the slot does not hold two secrets");
  return secrets;
}
