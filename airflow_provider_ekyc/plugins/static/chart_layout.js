// Where the bars of the chart are. Pure.

import { nextDay } from "./time.js";

/** The parts of a bar from the bottom up. */
export const PARTS = [
  ["yes", "Yes"],
  ["no", "No"],
  ["unknown", "Unknown"],
  ["not_processed", "Not processed"],
  ["rest", "Not landed"],
];

const LEAST_DAYS = 14;
const MOST_DAYS = 92;

/** The days in order, with those between them on which nothing was submitted; at least two weeks, at most a quarter. */
export function filled(days) {
  if (days.length === 0) return [];
  const known = new Map(days.map((each) => [each.day, each]));
  const ordered = [...known.keys()].sort();
  const last = ordered.at(-1);
  let first = ordered[0];
  const least = shifted(last, 1 - LEAST_DAYS);
  const most = shifted(last, 1 - MOST_DAYS);
  if (first > least) first = least;
  if (first < most) first = most;
  const all = [];
  for (let day = first; day !== null && day <= last; day = nextDay(day)) all.push(known.get(day) ?? { day, submissions: 0 });
  return all;
}

function shifted(day, by) {
  return new Date(Date.parse(`${day}T00:00:00Z`) + by * 86_400_000).toISOString().slice(0, 10);
}

/** Rows of a day by part; `rest` is what was submitted and has no answer that is known. */
export function partsOf(day) {
  const known = { yes: day.yes ?? 0, no: day.no ?? 0, unknown: day.unknown ?? 0, not_processed: day.not_processed ?? 0 };
  const answered = known.yes + known.no + known.unknown + known.not_processed;
  return { ...known, rest: Math.max(0, (day.rows ?? 0) - answered) };
}

/**
 * Bars in a box of `width` by `height`.
 *
 * @returns {{bars: {day: object, x: number, width: number, parts: {name: string, y: number, height: number}[]}[],
 *   top: number}} `top`: the rows that the whole height stands for
 */
export function layout(days, { width, height }) {
  const all = filled(days);
  const amounts = all.map(partsOf);
  const totals = amounts.map((each) => Object.values(each).reduce((sum, part) => sum + part, 0));
  const top = Math.max(1, ...totals);
  const slot = width / Math.max(1, all.length);
  const gap = Math.min(4, slot * 0.25);
  return {
    top,
    bars: all.map((day, index) => {
      let y = height;
      const parts = [];
      for (const [name] of PARTS) {
        const tall = (amounts[index][name] / top) * height;
        if (tall <= 0) continue;
        y -= tall;
        parts.push({ name, y, height: tall });
      }
      return { day, total: totals[index], x: index * slot + gap / 2, width: slot - gap, parts };
    }),
  };
}
