// When the page asks the server again, and for which parts. Pure.

/** Seconds between two calls at the least; the server may ask for more. */
export const LEAST_SECONDS = 5;

/** Seconds where nothing waits: a run that was just triggered shows within this time. */
export const QUIET_SECONDS = 10;

/** Seconds after which the totals by day are asked for again though no row has changed. */
export const DAYS_SECONDS = 300;

const LONGEST_AFTER_FAILURES = 60;

/**
 * Seconds from one call to the next; null for none.
 *
 * @param {{refreshSeconds: number, live: boolean, failures: number, stopped: boolean}} state `live`: something waits;
 *   `failures`: calls in a row without data; `stopped`: paused, hidden, logged out or not permitted
 */
export function secondsToNext({ refreshSeconds, live, failures, stopped }) {
  if (stopped) return null;
  const base = Math.max(LEAST_SECONDS, Number.isFinite(refreshSeconds) ? refreshSeconds : LEAST_SECONDS);
  if (failures > 0) return Math.min(Math.max(LONGEST_AFTER_FAILURES, base), base * 2 ** failures);
  return live ? base : Math.max(base, QUIET_SECONDS);
}

/** Whether a problem ends the calls until the user does something. */
export function isFinal(problem) {
  return problem !== null && ["login", "forbidden"].includes(problem.kind);
}

/**
 * The parts of a background call. A later page of the history stays as it is once it is shown: new rows would move it
 * under the reader.
 *
 * @param {{offset: number, historyDue: boolean, daysDue: boolean}} state `historyDue`: it has not arrived yet
 */
export function partsOfRefresh({ offset, historyDue, daysDue }) {
  return ["needs", "waiting", ...(offset === 0 || historyDue ? ["history"] : []), ...(daysDue ? ["days"] : [])];
}

/** What of a history changes the totals by day: which rows there are, and which have ended. */
export function historyMark(history) {
  return (history?.rows ?? []).map((row) => `${row.id}:${row.status}:${row.rows}`).join("|");
}
