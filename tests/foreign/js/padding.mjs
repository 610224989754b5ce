// SPDX-FileCopyrightText: 2026 The Seinpost developers
// SPDX-License-Identifier: EUPL-1.2

// Padmé padding of a sealed part (docs/spec.md, section 6.5).

import { Reader, isZero } from "./bytes.mjs";
import { demand } from "./errors.mjs";

const SMALLEST = 256;

/** The padded length of L bytes. */
export function bucket(length) {
  if (length <= SMALLEST) return SMALLEST;
  const exponent = Math.floor(Math.log2(length));
  const significant = Math.floor(Math.log2(exponent)) + 1;
  const step = 2 ** (exponent - significant);
  return Math.ceil(length / step) * step;
}

/** The content of a padded part, which must be exactly in its bucket and filled with zeros. */
export function unpad(padded) {
  demand(padded.length >= SMALLEST, "malformed", "a padded part is too short");
  const reader = new Reader(padded);
  const length = reader.u32();
  demand(length <= reader.left, "malformed", "a padded part's length is beyond its end");
  demand(bucket(4 + length) === padded.length, "malformed", "a padded part is not in its bucket");
  const content = reader.take(length);
  demand(isZero(reader.take(reader.left)), "malformed", "the fill is not all zeros");
  return content;
}
