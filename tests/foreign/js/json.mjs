// SPDX-FileCopyrightText: 2026 The Seinpost developers
// SPDX-License-Identifier: EUPL-1.2

// JSON with u64 numbers, and values in the form in which vectors write them.

import { toHex } from "./bytes.mjs";

/** Parse JSON; integers that a number cannot hold become bigint. */
export const parseJson = (text) =>
  JSON.parse(text, (_, value, { source }) =>
    Number.isInteger(value) && !Number.isSafeInteger(value) && /^-?[0-9]+$/.test(source) ? BigInt(source) : value,
  );

/** Bytes in hexadecimal, bigint (which is how u64 is read) as decimal text, and all that lies within. */
export function plain(value) {
  if (value instanceof Uint8Array) return toHex(value);
  if (typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}
