// The page "eKYC", and the tab of a run. Airflow's UI imports this module and looks for a function of the app's name.
// All modules are imported here: the browser then loads them beside each other, not one after the other.

import "./chart.js";
import "./chart_layout.js";
import { Button, Notice } from "./elements.js";
import { Empty } from "./empty.js";
import { Feed } from "./feed.js";
import { forServer, isFiltered, readFilters, writeFilters } from "./filter_values.js";
import { DagFilter } from "./filters.js";
import { History } from "./history.js";
import "./icons.js";
import { Needs } from "./needs.js";
import { h, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore, useSearchParams } from "./react.js";
import "./refresh_policy.js";
import { loginAddress } from "./request.js";
import { isNamed } from "./rows.js";
import { keepAnchor, scroller, takeAnchor } from "./scroll_anchor.js";
import "./settle.js";
import { addStyle } from "./style.js";
import "./table.js";
import "./text.js";
import { chosenZone, clock } from "./time.js";
import { Waiting } from "./waiting.js";
import "./ways.js";

addStyle();

/** The data of some filters, and the element that stays in place when new data arrives. */
function useFeed(filters, root) {
  const feed = useMemo(() => new Feed(), []);
  const anchor = useRef(null);
  const subscribe = useCallback(
    (changed) =>
      feed.subscribe(() => {
        if (root.current) anchor.current = takeAnchor(root.current);
        changed();
      }),
    [feed, root],
  );
  const snapshot = useSyncExternalStore(subscribe, feed.snapshot);
  useLayoutEffect(() => {
    keepAnchor(anchor.current);
    anchor.current = null;
  }, [snapshot]);
  useEffect(() => feed.setFilters(filters), [feed, filters]);
  useEffect(() => {
    const seen = () => feed.setHidden(document.hidden);
    seen();
    document.addEventListener("visibilitychange", seen);
    return () => {
      document.removeEventListener("visibilitychange", seen);
      feed.close();
    };
  }, [feed]);
  return [feed, snapshot];
}

let isShownAnew = false;

/**
 * Airflow shows a page that it has just loaded in one way and from the first navigation on in another (seen in 3.3.2),
 * so React would then begin it anew, and what is typed would be gone. This is a navigation before anything is typed.
 */
function useFirstNavigation(setParams) {
  useEffect(() => {
    if (isShownAnew) return;
    isShownAnew = true;
    setParams((same) => same, { replace: true });
  }, [setParams]);
}

/** What of the page's address selects rows, and a function that changes it; in a run's tab the address is Airflow's. */
function useFilters(fixed) {
  const [params, setParams] = useSearchParams();
  useFirstNavigation(setParams);
  const [own, setOwn] = useState(fixed);
  // The address follows a moment later: what is chosen meanwhile is a change of this, not of what the address still has.
  const [chosen, setChosen] = useState(null);
  const address = params.toString();
  useEffect(() => {
    if (chosen === null) return undefined;
    if (chosen === address) return void setChosen(null);
    // Where another navigation was faster, the address never has it.
    const timer = setTimeout(() => setChosen(null), 2000);
    return () => clearTimeout(timer);
  }, [chosen, address]);
  const text = chosen ?? address;
  const filters = useMemo(() => (fixed ? { ...own, ...fixed } : readFilters(new URLSearchParams(text))), [fixed, own, text]);
  const change = useCallback(
    (next) => {
      if (fixed) return setOwn(next);
      const query = writeFilters(next);
      setChosen(new URLSearchParams(query).toString());
      return setParams(query);
    },
    [fixed, setParams],
  );
  return [filters, change];
}

function Problem({ problem, paused, old, data, at, zone, onRetry }) {
  if (problem === null) return null;
  const since = data ? ` What is shown is from ${clock(new Date(at).toISOString(), zone)}${old.history || old.lists ? ", and of the filters before" : ""}.` : "";
  const again = paused ? "" : " It is tried again by itself.";
  const text = {
    forbidden: "You do not have the permission to see eKYC runs: it takes the right to read DAGs, task instances and XComs.",
    away: `${problem.text}${again}`,
    server: `${problem.text}${again}`,
  }[problem.kind];
  return h(
    Notice,
    { tone: problem.kind === "forbidden" ? "warning" : "error", role: "alert" },
    h("span", null, text ?? problem.text, since, " "),
    problem.kind === "login"
      ? h("a", { className: "ekyc-link", href: loginAddress(globalThis.location) }, "Log in")
      : h(Button, { weight: "link", onClick: onRetry }, "Try now"),
  );
}

function Head({ feed, snapshot, zone, fixed, filters, onFilters }) {
  const { at, paused, busy, data } = snapshot;
  return h(
    "div",
    { className: "ekyc-head" },
    !fixed && h("h1", null, "eKYC"),
    !fixed && data?.dags.length > 0 && h(DagFilter, { filters, dags: data.dags, onChange: onFilters }),
    h("span", { className: "ekyc-second ekyc-fresh" }, at !== null && `${paused ? "Paused at" : "Updated"} ${clock(new Date(at).toISOString(), zone)}`),
    h(
      "div",
      { className: "ekyc-row" },
      h(Button, { icon: "retry", onClick: feed.refresh, disabled: busy }, "Refresh"),
      h(Button, { icon: paused ? "play" : "pause", "aria-pressed": paused, onClick: () => feed.setPaused(!paused) }, paused ? "Resume" : "Pause"),
    ),
  );
}

/** Scroll once to the row that the page's address names. */
function useShowNamed(root, filters, data) {
  const shown = useRef(null);
  useEffect(() => {
    const wanted = filters.task_id ? JSON.stringify([filters.run_id, filters.task_id, filters.map_index]) : null;
    const row = wanted && wanted !== shown.current && data && root.current?.querySelector("[data-named]");
    if (!row) return;
    shown.current = wanted;
    const box = scroller(root.current);
    const { top, bottom } = row.getBoundingClientRect();
    if (bottom > box.clientHeight || top < 0) row.scrollIntoView({ block: "center" });
  }, [root, filters, data]);
}

/**
 * The page, or the tab of a run.
 *
 * @param {{dagId?: string, runId?: string}} props as Airflow's UI gives them: both in the tab of a run
 */
function EkycPage({ dagId, runId }) {
  const fixed = useMemo(() => (dagId && runId ? { dag_id: dagId, run_id: runId } : null), [dagId, runId]);
  const root = useRef(null);
  const zone = chosenZone(globalThis.localStorage);
  const [filters, setFilters] = useFilters(fixed);
  const asked = useMemo(() => forServer(filters, zone), [filters, zone]);
  const [feed, snapshot] = useFeed(asked, root);
  const { data, problem, at, busy, paused, old } = snapshot;
  const named = useCallback((row) => Boolean(filters.task_id) && isNamed(row, filters), [filters]);
  useShowNamed(root, filters, data);
  const now = data ? Date.parse(data.now) : Date.now();
  const oneRun = !fixed && filters.run_id;
  const within = filters.run_id ? "run" : filters.dag_id ? "DAG" : null;
  const nothing = data && !fixed && !isFiltered(filters, fixed) && asked.offset === 0 && LISTS.every((name) => data[name]?.rows.length === 0);
  return h(
    "div",
    { className: "ekyc-page", ref: root, "aria-busy": data === null && problem === null },
    h(Head, { feed, snapshot, zone, fixed, filters, onFilters: setFilters }),
    h(Problem, { problem, paused, old, data, at, zone, onRetry: feed.refresh }),
    oneRun &&
      h(
        Notice,
        { tone: "info" },
        h("span", null, "One run is shown: ", h("bdi", null, `${filters.dag_id ?? ""} ${filters.run_id}`), ". "),
        h(Button, { weight: "link", onClick: () => setFilters({}) }, "Show all"),
      ),
    data === null && problem === null && h("p", { className: "ekyc-loading ekyc-second" }, "Loading"),
    nothing && h(Empty, { dags: data.dags ?? [] }),
    data &&
      !nothing && [
        h(Needs, { key: "needs", needs: data.needs, zone, full: !fixed, within, old: old.lists, isNamed: named, onDone: feed.refresh }),
        h(Waiting, { key: "waiting", waiting: data.waiting, zone, now, full: !fixed, isNamed: named }),
        h(History, { key: "history", history: data.history, days: data.days, filters, fixed, zone, busy: busy || old.history, oldTotals: old.totals, isNamed: named, onFilters: setFilters }),
      ],
    data && h(Announce, { needs: data.needs }),
    data &&
      h(
        "footer",
        { className: "ekyc-foot ekyc-second" },
        (data.lacks ?? []).map((each) => h("p", { key: each }, each)),
        !fixed && h("p", null, `Airflow ${data.airflow}, airflow-provider-ekyc ${data.provider}. Times in ${zone}.`),
      ),
  );
}

const LISTS = ["needs", "waiting", "history"];

/** Say to screen readers that something new needs a person; nothing else of a refresh is said. */
function Announce({ needs }) {
  const known = useRef(null);
  const [said, setSaid] = useState("");
  useEffect(() => {
    const ids = new Set(needs.rows.map((row) => row.id));
    const fresh = known.current === null ? 0 : [...ids].filter((id) => !known.current.has(id)).length;
    known.current = ids;
    if (fresh > 0) setSaid(fresh === 1 ? "One more submission needs you." : `${fresh} more submissions need you.`);
  }, [needs]);
  return h("p", { className: "ekyc-hidden", role: "status" }, said);
}

globalThis["eKYC"] = EkycPage;
