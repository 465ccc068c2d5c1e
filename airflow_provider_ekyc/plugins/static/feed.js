// The page's data: one call at a time, and at most one in five seconds in the background. No React.

import { historyMark, isFinal, partsOfRefresh, secondsToNext, DAYS_SECONDS, LEAST_SECONDS } from "./refresh_policy.js";
import { address, ask as askServer } from "./request.js";
import { keepUnchanged } from "./rows.js";

const ROUTE = "ekyc/verifications";
const LISTS = ["needs", "waiting", "history"];

/** Of a server of another version, for one: the calls go on, and what was read before stays. */
const UNREADABLE = { kind: "server", status: 200, text: "The server's answer lacks parts that this page needs." };

/** Rows of the history on one page. */
export const PAGE_ROWS = 100;

/**
 * What the server has said last, and when it is asked again.
 *
 * `snapshot()` returns `{data, problem, at, busy, paused, old, filters}`: the merged parts of all answers, what went wrong in
 * the last call, when data arrived (milliseconds), whether a call is under way that the user waits for, and what is still
 * of other filters (`old`: `{lists, history, totals}`). It is the same object until something changes.
 */
export class Feed {
  #ask;
  #subscribers = new Set();
  #timer = null;
  #running = null;
  #state = { data: null, problem: null, at: null, busy: false, paused: false, old: {}, filters: null };
  #asked = -Infinity;
  #hidden = false;
  #failures = 0;
  #listsFor = null;
  #historyFor = null;
  #totalsFor = null;
  #daysFor = null;
  #daysAt = -Infinity;

  /** @param {typeof askServer} ask sends a request */
  constructor(ask = askServer) {
    this.#ask = ask;
  }

  snapshot = () => this.#state;

  subscribe = (callback) => {
    this.#subscribers.add(callback);
    return () => this.#subscribers.delete(callback);
  };

  /** Show what these filters select, at once if they are not those of before. */
  setFilters(filters) {
    if (JSON.stringify(filters) === JSON.stringify(this.#state.filters)) return;
    this.#set({ filters });
    void this.#load({ byUser: true });
  }

  /** Ask now; nothing where the page is closed: a way out may end after it. */
  refresh = async () => {
    if (this.#state.filters !== null) await this.#load({ byUser: true });
  };

  setPaused(paused) {
    this.#set({ paused });
    this.#schedule();
  }

  /** A tab that nobody sees asks nothing; it asks when it is seen again. */
  setHidden(hidden) {
    this.#hidden = hidden;
    this.#schedule();
  }

  close() {
    clearTimeout(this.#timer);
    this.#running?.abort();
    this.#running = null;
    this.#subscribers.clear();
    this.#state = { ...this.#state, filters: null, busy: false };
  }

  #set(changes) {
    this.#state = { ...this.#state, ...changes };
    const { data } = this.#state;
    this.#state.old = {
      lists: data !== null && this.#listsFor !== this.#range,
      history: data !== null && this.#historyDue,
      totals: Boolean(data?.days) && this.#totalsFor !== this.#range,
    };
    for (const callback of this.#subscribers) callback();
  }

  /** The filters of the history without the page: what the totals by day depend on. */
  get #range() {
    const { offset: _, ...range } = this.#state.filters ?? {};
    return JSON.stringify(range);
  }

  /** Whether the history of these filters has not arrived yet: the call for it may have failed. */
  get #historyDue() {
    return JSON.stringify(this.#state.filters) !== this.#historyFor;
  }

  get #daysDue() {
    const mark = `${this.#range} ${historyMark(this.#state.data?.history)}`;
    return mark !== this.#daysFor || performance.now() - this.#daysAt > DAYS_SECONDS * 1000;
  }

  async #load({ byUser }) {
    clearTimeout(this.#timer);
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    const { filters, data } = this.#state;
    const offset = filters.offset ?? 0;
    // The rows come before the totals by day: these are counted over all that the filters select, which may last longer
    // than a call may. So a call after one that failed leaves them out.
    const parts = byUser ? [...LISTS] : partsOfRefresh({ offset, historyDue: this.#historyDue, daysDue: data !== null && this.#failures === 0 && this.#daysDue });
    if (byUser) this.#set({ busy: true });
    this.#asked = performance.now();
    try {
      const answer = await this.#ask(address(ROUTE, query(parts, filters)), { signal: running.signal });
      const isRead = this.#receive(answer, parts);
      if (byUser && isRead && this.#daysDue) {
        this.#receive(await this.#ask(address(ROUTE, query(["days"], filters)), { signal: running.signal }), ["days"]);
        // Two calls at once are answered for by a longer wait.
        this.#asked += LEAST_SECONDS * 1000;
      }
    } catch {
      if (running.signal.aborted) return; // given up for a newer call, which goes on from here
      this.#receive({ data: null, problem: UNREADABLE }, parts);
    }
    this.#running = null;
    this.#schedule();
  }

  /** Show an answer, or what is wrong with it; return whether it could be read. */
  #receive({ data: answer, problem }, parts) {
    problem ??= parts.every((name) => answer?.[name]) ? null : UNREADABLE;
    if (problem) {
      this.#failures += 1;
      this.#set({ problem, busy: false });
      return false;
    }
    this.#failures = 0;
    const before = this.#state.data;
    const data = { ...before, ...answer };
    for (const name of LISTS) {
      if (answer[name]) data[name] = { ...answer[name], rows: keepUnchanged(before?.[name]?.rows ?? [], answer[name].rows) };
    }
    this.#state = { ...this.#state, data, problem: null, at: Date.now(), busy: false };
    // Of the filters of now: an answer for others is given up when these are set.
    if (parts.includes("needs")) this.#listsFor = this.#range;
    if (parts.includes("history")) this.#historyFor = JSON.stringify(this.#state.filters);
    if (parts.includes("days")) {
      this.#daysFor = `${this.#range} ${historyMark(data.history)}`;
      this.#daysAt = performance.now();
      this.#totalsFor = this.#range;
    }
    this.#set({});
    return true;
  }

  #schedule() {
    clearTimeout(this.#timer);
    const { data, problem, paused, filters } = this.#state;
    if (filters === null || this.#running !== null) return;
    const seconds = secondsToNext({
      refreshSeconds: data?.refresh_seconds,
      live: (data?.waiting?.rows.length ?? 0) > 0,
      failures: this.#failures,
      stopped: paused || this.#hidden || isFinal(problem),
    });
    if (seconds === null) return;
    const wait = this.#asked + seconds * 1000 - performance.now();
    this.#timer = setTimeout(() => void this.#load({ byUser: false }), Math.max(0, wait));
  }
}

function query(parts, filters) {
  return { part: parts.join(","), limit: PAGE_ROWS, ...filters };
}
