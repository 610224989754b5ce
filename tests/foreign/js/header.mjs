// SPDX-FileCopyrightText: 2026 The Seinpost developers
// SPDX-License-Identifier: EUPL-1.2

// The 184-byte header (docs/spec.md, sections 1 and 4).

import { sha256 } from "@noble/hashes/sha2.js";

import { Reader, concat, equal, isZero, label } from "./bytes.mjs";
import { demand } from "./errors.mjs";

export const HEADER_LENGTH = 184;
export const MAX_BODY = 983_040;
export const MAX_COUNT = 1_024;

export const KIND = Object.freeze({
  EPOCH: 1,
  SIGNALS: 2,
  END_OF_EPOCH: 3,
  RECEIPT: 4,
  RECALL: 5,
  FEEDBACK: 6,
  RELEASE: 7,
  TABLE_ACT: 8,
  SHARE: 9,
});

export const LAST_KNOWN_KIND = KIND.SHARE;

const SEALED = new Set([KIND.SIGNALS, KIND.FEEDBACK, KIND.RELEASE, KIND.TABLE_ACT]);
const MAGIC = label("SPO1");
const SUITE = 1;
const MAX_CLASSIFICATION = 4;
const MIN_THEME = 1;
const MAX_THEME = 4;

export const isSealed = (kind) => SEALED.has(kind);

/** Decode a header or refuse it. */
export function decodeHeader(bytes) {
  demand(bytes.length === HEADER_LENGTH, "malformed", "a header has 184 bytes");
  const reader = new Reader(bytes);
  demand(equal(reader.take(4), MAGIC), "malformed", "wrong magic");
  const header = {
    kind: reader.u8(),
    suite: reader.u8(),
    classification: reader.u8(),
    theme: reader.u8(),
    enclave_id: reader.take(16),
    sender_id: reader.take(16),
    epoch_id: reader.take(16),
    seq: reader.u64(),
    prev_hash: reader.take(32),
    directory_size: reader.u64(),
    created_ms: reader.u64(),
    count: reader.u32(),
    batch_root: reader.take(32),
    body_len: reader.u32(),
    body_hash: reader.take(32),
  };
  checkCodes(header);
  demand(header.body_len <= MAX_BODY, "too-large", "body_len is above the limit");
  demand(header.count <= MAX_COUNT, "too-large", "count is above the limit");
  checkShape(header);
  return header;
}

function checkCodes(header) {
  demand(header.kind !== 0, "malformed", "kind 0");
  demand(header.suite === SUITE, "malformed", "unknown suite");
  demand(header.classification <= MAX_CLASSIFICATION, "malformed", "unknown classification");
  demand(header.theme >= MIN_THEME && header.theme <= MAX_THEME, "malformed", "unknown theme");
  demand(header.seq !== 0n, "malformed", "seq 0");
}

function checkShape(header) {
  if (header.kind > LAST_KNOWN_KIND) return;
  const hasEpoch = !isZero(header.epoch_id);
  if (isSealed(header.kind)) {
    demand(header.count !== 0, "malformed", "a sealed kind with count 0");
    demand(hasEpoch, "malformed", "a sealed kind without an epoch");
    return;
  }
  demand(header.count === 0, "malformed", "a clear kind with a count");
  demand(isZero(header.batch_root), "malformed", "a clear kind with a batch_root");
  demand(hasEpoch === (header.kind === KIND.END_OF_EPOCH), "malformed", "epoch_id does not suit the kind");
}

export const objectHash = (headerBytes) => sha256(concat(label("seinpost/object/v1"), headerBytes));

export const bodyHash = (body) => sha256(concat(label("seinpost/body/v1"), body));
