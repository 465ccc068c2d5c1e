// What the page says of a row, and which of Airflow's pages belong to it. Pure.

/** Words and tone of each status; the tone is the badge's colour. */
export const STATUSES = {
  queued: ["Queued", "idle"],
  preparing: ["Preparing", "running"],
  submitting: ["Submitting", "running"],
  submitted: ["Submitted", "running"],
  waiting: ["Waiting", "waiting"],
  exported: ["Exported", "waiting"],
  landing: ["Landing", "running"],
  landed: ["Landed", "success"],
  retrying: ["Retrying", "retry"],
  needs_you: ["Needs you", "failed"],
  failed: ["Failed", "failed"],
  skipped: ["Skipped", "idle"],
  other: ["Other", "idle"],
};

/** `{label, tone}` of a status; a status of a later version is shown by its own name. */
export function statusOf(row) {
  const [label, tone] = Object.hasOwn(STATUSES, row.status) ? STATUSES[row.status] : [String(row.status), "idle"];
  return { label, tone };
}

const part = encodeURIComponent;

/** Path of a DAG's page, below Airflow's base URL. */
export const dagPath = (dagId) => `/dags/${part(dagId)}`;

/** Path of a run's page. */
export const runPath = (dagId, runId) => `${dagPath(dagId)}/runs/${part(runId)}`;

/** Path of a task instance's page, which opens with its log. */
export function logPath({ dag_id, run_id, task_id, map_index = -1, try_number = null }) {
  const mapped = map_index >= 0 ? `/mapped/${map_index}` : "";
  const query = try_number > 0 ? `?try_number=${try_number}` : "";
  return `${runPath(dag_id, run_id)}/tasks/${part(task_id)}${mapped}${query}`;
}

/** The row's latest task that exists, `{task_id, map_index, state, try_number}`, or null: its log is the one to read. */
export function latestTask(row) {
  const begun = [row.transfer, row.sensor, row.submit].filter(Boolean);
  return begun.find((each) => each.state && !["upstream_failed", "removed"].includes(each.state)) ?? begun[0] ?? null;
}

/** Which of several in one run: the task group's name and the index of a mapped task, "files.verify [3]"; or null. */
export function place(row) {
  const task = row.submit ?? row.sensor ?? row.transfer;
  const group = task?.task_id?.includes(".") ? task.task_id.slice(0, task.task_id.lastIndexOf(".")) : null;
  const index = row.map_index >= 0 ? `[${row.map_index}]` : null;
  return [group, index].filter(Boolean).join(" ") || null;
}

/** Whether an address's `task_id` and `map_index` name a task of this row. Without a task each row of the run is. */
export function isNamed(row, { dag_id, run_id, task_id, map_index }) {
  if (row.dag_id !== dag_id || row.run_id !== run_id) return false;
  if (!task_id) return true;
  const index = map_index === null || map_index === "" ? null : Number(map_index);
  return [row.submit, row.sensor, row.transfer, row.need].some(
    (task) => task?.task_id === task_id && (index === null || index < 0 || (task.map_index ?? -1) === index),
  );
}

/**
 * The new rows, with each that has not changed replaced by the object of before: so React draws only what changed.
 * Ids are not unique in a loop of Airflow 3.4, so the place among equal ids counts too.
 */
export function keepUnchanged(before, after) {
  const known = new Map(keyed(before).map(([key, row]) => [key, row]));
  const kept = keyed(after).map(([key, row]) => {
    const old = known.get(key);
    return old !== undefined && JSON.stringify(old) === JSON.stringify(row) ? old : row;
  });
  return kept.length === before.length && kept.every((row, index) => row === before[index]) ? before : kept;
}

/** `[key, row]` of each row, the keys unique. */
export function keyed(rows) {
  const seen = new Map();
  return rows.map((row) => {
    const times = seen.get(row.id) ?? 0;
    seen.set(row.id, times + 1);
    return [times ? `${row.id}#${times}` : String(row.id), row];
  });
}

/** How far a row is: `{done, total}` from its progress, else from its counts; null where nothing is known yet. */
export function progressOf(row) {
  const { progress } = row;
  if (progress && typeof progress.done === "number" && typeof progress.total === "number") {
    return { done: progress.done, total: progress.total };
  }
  return null;
}

/**
 * `[key, row, gone]` of the rows, and of those that are held though the server no longer lists them, each of these at the
 * place where it was: something is typed there, or an outcome is to be read.
 */
export function withHeld(rows, held, order) {
  const listed = keyed(rows);
  const keys = new Set(listed.map(([key]) => key));
  for (const [key, row] of held) {
    if (keys.has(key)) continue;
    const index = order.indexOf(key);
    listed.splice(index < 0 ? listed.length : Math.min(index, listed.length), 0, [key, row, true]);
  }
  return listed;
}
