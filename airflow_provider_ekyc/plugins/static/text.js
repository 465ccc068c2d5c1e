// Counts, amounts and durations as text. Pure: no DOM, no React, no clock.

const COUNTS = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** A whole number with commas; null for what is not a number, so that the caller shows its own "not known". */
export function count(value) {
  return typeof value === "number" && Number.isFinite(value) ? COUNTS.format(value) : null;
}

/** "1 row", "3,000 rows"; null where the count is not known. */
export function counted(value, one, many = `${one}s`) {
  const text = count(value);
  return text === null ? null : `${text} ${value === 1 ? one : many}`;
}

/** "40 %" of two counts, rounded down: 2,999 of 3,000 is not yet all of them. Null without a total. */
export function percent(done, total) {
  const part = fraction(done, total);
  return part === null ? null : `${Math.floor(part * 100)} %`;
}

/** Done as a part of total, from 0 to 1; null where one of them is not known. */
export function fraction(done, total) {
  if (typeof done !== "number" || typeof total !== "number" || !(total > 0)) return null;
  return Math.min(1, Math.max(0, done / total));
}

/** Numbers a second: "50 a second", "0.2 a second"; null where not known. */
export function rate(value) {
  if (typeof value !== "number" || !Number.isFinite(value) || value < 0) return null;
  const digits = value >= 10 || value === 0 ? 0 : value >= 1 ? 1 : 2;
  return `${new Intl.NumberFormat("en-US", { maximumFractionDigits: digits }).format(value)} a second`;
}

/** Seconds as "45 s", "12 min", "3 h 5 min", "2 d 4 h". */
export function duration(seconds) {
  const whole = Math.round(Math.abs(seconds));
  if (whole < 90) return `${whole} s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  const days = Math.floor(hours / 24);
  return hours % 24 ? `${days} d ${hours % 24} h` : `${days} d`;
}

const AMOUNT = /^([+-]?)(\d{1,30})(?:\.(\d{1,18}))?$/;

/** An amount as the server writes it ("1234.50"), split exactly; null for any other text. */
function parsed(text) {
  const match = typeof text === "string" ? AMOUNT.exec(text.trim()) : null;
  if (match === null) return null;
  const [, sign, whole, decimals = ""] = match;
  return { units: BigInt(`${sign === "-" ? "-" : ""}${whole}${decimals}`), places: decimals.length };
}

function scaled(amount, places) {
  return amount.units * 10n ** BigInt(places - amount.places);
}

function written(units, places) {
  const digits = (units < 0n ? -units : units).toString().padStart(places + 1, "0");
  const whole = digits.slice(0, digits.length - places);
  const text = places ? `${whole}.${digits.slice(digits.length - places)}` : whole;
  return units < 0n ? `-${text}` : text;
}

/** The sum of amounts, exactly; amounts that are not known (null) are left out; null if none is known. */
export function sum(amounts) {
  const known = amounts.map(parsed).filter((each) => each !== null);
  if (known.length === 0) return null;
  const places = Math.max(...known.map((each) => each.places));
  return written(known.reduce((total, each) => total + scaled(each, places), 0n), places);
}

/** `before - after`, exactly; null where one of them is not an amount. */
export function difference(before, after) {
  const [from, to] = [parsed(before), parsed(after)];
  if (from === null || to === null) return null;
  const places = Math.max(from.places, to.places);
  return written(scaled(from, places) - scaled(to, places), places);
}

/** An amount with commas before its point: "1,234.50". Any other text is given back as it is. */
export function amount(text) {
  if (parsed(text) === null) return text ?? null;
  const [, sign, whole, decimals] = AMOUNT.exec(text.trim());
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return `${sign === "-" ? "-" : ""}${grouped}${decimals ? `.${decimals}` : ""}`;
}

/** At most `length` characters, with the end marked where text was left out. */
export function shortened(text, length) {
  const characters = Array.from(String(text));
  return characters.length <= length ? String(text) : `${characters.slice(0, length - 1).join("")}…`;
}
