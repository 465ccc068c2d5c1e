// Times as Airflow's own pages show them: in the time zone that the user chose there. Pure: `now` is passed in.

import { duration } from "./text.js";

const FORMATS = new Map();

/** The zone of Airflow's time zone menu (a JSON text in the browser's storage), else the browser's own. */
export function chosenZone(storage) {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  try {
    const zone = JSON.parse(storage?.getItem("timezone") ?? "null");
    return typeof zone === "string" && formatOf(zone) ? zone : own;
  } catch {
    return own; // storage that is switched off, or a zone that this browser does not know
  }
}

function formatOf(zone) {
  if (!FORMATS.has(zone)) {
    FORMATS.set(
      zone,
      new Intl.DateTimeFormat("en-GB", {
        timeZone: zone,
        hourCycle: "h23",
        year: "numeric",
        month: "2-digit",
        day: "2-digit",
        hour: "2-digit",
        minute: "2-digit",
        second: "2-digit",
      }),
    );
  }
  return FORMATS.get(zone);
}

function partsOf(instant, zone) {
  const parts = {};
  for (const { type, value } of formatOf(zone).formatToParts(instant)) parts[type] = value;
  return parts;
}

/** Milliseconds since 1970 of an ISO 8601 text; null for anything else. */
export function instant(iso) {
  const value = typeof iso === "string" ? Date.parse(iso) : Number.NaN;
  return Number.isNaN(value) ? null : value;
}

/** "2026-11-26" of a time in a zone. */
export function day(iso, zone) {
  const at = instant(iso);
  if (at === null) return null;
  const { year, month, day: date } = partsOf(at, zone);
  return `${year}-${month}-${date}`;
}

/** "06:53:32" of a time in a zone. */
export function clock(iso, zone) {
  const at = instant(iso);
  if (at === null) return null;
  const { hour, minute, second } = partsOf(at, zone);
  return `${hour}:${minute}:${second}`;
}

/** "in 12 s", "3 min ago", "now"; `now` in milliseconds. */
export function relative(iso, now) {
  const at = instant(iso);
  if (at === null) return null;
  const seconds = (at - now) / 1000;
  if (Math.abs(seconds) < 1) return "now";
  return seconds > 0 ? `in ${duration(seconds)}` : `${duration(seconds)} ago`;
}

/** Seconds by which a zone is ahead of UTC at an instant. */
function ahead(at, zone) {
  const { year, month, day: date, hour, minute, second } = partsOf(at, zone);
  return (Date.UTC(+year, +month - 1, +date, +hour, +minute, +second) - Math.floor(at / 1000) * 1000) / 1000;
}

/**
 * The instant at which a day ("2026-11-26") begins in a zone, as ISO 8601 text; null for another text.
 * Where clocks change at midnight the first guess is an hour off, so the offset is looked up twice.
 */
export function startOfDay(text, zone) {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text ?? "")) return null;
  const midnight = Date.parse(`${text}T00:00:00Z`);
  if (Number.isNaN(midnight)) return null;
  const guess = midnight - ahead(midnight, zone) * 1000;
  return new Date(midnight - ahead(guess, zone) * 1000).toISOString();
}

/** The day after a day: "2026-11-30" gives "2026-12-01". */
export function nextDay(text) {
  const at = Date.parse(`${text}T00:00:00Z`);
  return Number.isNaN(at) ? null : new Date(at + 86_400_000).toISOString().slice(0, 10);
}
