// SPDX-FileCopyrightText: 2026 The Seinpost developers
// SPDX-License-Identifier: EUPL-1.2

// The timestamp extension of MessagePack in its shortest form (docs/spec.md, section 6.2).

import { demand } from "./errors.mjs";

const SECONDS_32 = 1n << 32n;
const SECONDS_34 = 1n << 34n;
const NANOSECONDS = 1_000_000_000;

/** A time in the resolution of the wire, which Date does not have. */
export class Timestamp {
  constructor(seconds, nanoseconds) {
    this.seconds = seconds;
    this.nanoseconds = nanoseconds;
  }

  /** RFC 3339 in UTC, with microseconds only when there are any; plain seconds beyond what RFC 3339 can say. */
  toJSON() {
    const date = new Date(Number(this.seconds) * 1_000);
    if (!(date.getUTCFullYear() >= 0 && date.getUTCFullYear() <= 9_999)) return `@${this.seconds}`;
    const whole = date.toISOString().slice(0, -5);
    const fraction = this.nanoseconds ? `.${String(this.nanoseconds / 1_000).padStart(6, "0")}` : "";
    return `${whole}${fraction}Z`;
  }
}

/** Decode the extension's data; refuses other lengths, longer forms and parts of a microsecond. */
export function decodeTimestamp(data) {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const time = READERS[data.length]?.(view);
  demand(time, "malformed", "a timestamp of a wrong length");
  demand(time.nanoseconds < NANOSECONDS && time.nanoseconds % 1_000 === 0, "malformed", "not whole microseconds");
  demand(shortest(time) === data.length, "malformed", "a timestamp in a longer form than needed");
  return time;
}

const READERS = {
  4: (view) => new Timestamp(BigInt(view.getUint32(0)), 0),
  8: (view) => {
    const word = view.getBigUint64(0);
    return new Timestamp(word % SECONDS_34, Number(word / SECONDS_34));
  },
  12: (view) => new Timestamp(view.getBigInt64(4), view.getUint32(0)),
};

function shortest({ seconds, nanoseconds }) {
  if (seconds < 0n || seconds >= SECONDS_34) return 12;
  return nanoseconds === 0 && seconds < SECONDS_32 ? 4 : 8;
}
