// SPDX-FileCopyrightText: 2026 The Seinpost developers
// SPDX-License-Identifier: EUPL-1.2

// Whose cosignatures count (docs/spec.md, section 8.7): rules 1 to 3 of section 8.6 for the action `witness`, in the
// compartment of the log, at the time that the cosignature carries.

const LEVELS = ["ong", "depv"];
const THEMES = ["process", "debate", "parties", "international"];

const covers = (list, theme) => list.includes("all") || list.includes(theme);
const reaches = (ceiling, level) => LEVELS.indexOf(ceiling) >= LEVELS.indexOf(level);

/** The [classification, theme] pairs of which one must be covered: a feed's own, or any for directory and admission. */
function placesOf(register, origin) {
  const [enclave, period, level, theme, ...more] = origin.split("/");
  if (enclave !== register.enclave || more.length > 0) return [];
  if (level === undefined && (period === "directory" || period === "admission"))
    return LEVELS.flatMap((l) => THEMES.map((t) => [l, t]));
  return LEVELS.includes(level) && THEMES.includes(theme) ? [[level, theme]] : [];
}

/** Whether the cosignature of a witness of the register on a log counts; `seconds` is its timestamp, a bigint. */
export function mayWitness(register, witness, origin, seconds) {
  const party = register.parties.find(({ token }) => token === witness.party);
  const at = Number(seconds) * 1000;
  return placesOf(register, origin).some(([level, theme]) => {
    if (!reaches(register.ceiling, level) || !reaches(party.clearance, level)) return false;
    const prohibited = (register.prohibitions ?? []).some(
      (p) =>
        p.party === party.token &&
        p.action === "witness" &&
        (p.signal_types ?? []).length === 0 &&
        ((p.themes ?? []).length === 0 || covers(p.themes, theme)),
    );
    if (prohibited) return false;
    return (party.mandates ?? []).some(
      (m) =>
        m.actions.includes("witness") &&
        covers(m.themes, theme) &&
        reaches(m.ceiling, level) &&
        (m.from === undefined || m.from.getTime() <= at) &&
        (m.until === undefined || at < m.until.getTime()),
    );
  });
}
