// The filters of the history, and how they travel: in the page's address, so that a view can be kept and sent. Pure.

import { STATUSES } from "./rows.js";
import { nextDay, startOfDay } from "./time.js";

/** Names in the page's address. */
export const NAMES = ["dag_id", "run_id", "task_id", "map_index", "state", "since", "until", "offset"];

/** The filters in an address's query; what is missing or malformed is left out. */
export function readFilters(params) {
  const read = {};
  for (const name of NAMES) {
    const value = params.get(name);
    if (value) read[name] = value;
  }
  for (const name of ["since", "until"]) if (!/^\d{4}-\d{2}-\d{2}$/.test(read[name] ?? "")) delete read[name];
  if (!Object.hasOwn(STATUSES, read.state ?? "")) delete read.state;
  const offset = Number(read.offset);
  if (Number.isInteger(offset) && offset > 0) read.offset = offset;
  else delete read.offset;
  return read;
}

/** The query of an address for filters. */
export function writeFilters(filters) {
  return Object.fromEntries(NAMES.filter((name) => filters[name]).map((name) => [name, String(filters[name])]));
}

/** The filters as the server reads them: days become instants, from the first one's start to the last one's end. It counts days of `zone`. */
export function forServer({ dag_id, run_id, state, since, until, offset }, zone) {
  return { dag_id, run_id, state, since: startOfDay(since, zone), until: until ? startOfDay(nextDay(until), zone) : null, zone, offset: offset ?? 0 };
}

/** Whether something is filtered but by the run that the page is about. */
export function isFiltered({ dag_id, run_id, state, since, until }, fixed) {
  return Boolean(state || since || until || (!fixed && (dag_id || run_id)));
}
