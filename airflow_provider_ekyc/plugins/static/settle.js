// The ways out of what needs a person: check and record (the plugin), write the record (Airflow's Variables, with the
// user's own rights, where the journal is in Airflow), clear the task (Airflow). No React.
//
// Each step is done once. When one fails, `proceed` called with its result goes on from that step: an id that has been
// recorded is not recorded twice, and a submission is not allowed twice. Only a decision to send again that could not be
// written is asked of the server anew: to replace a Variable would also replace what somebody has written there since.

import { address, ask as askServer } from "./request.js";

/** Milliseconds in which Airflow's scheduler ends a run whose last task has ended. */
const RUN_END = 4000;

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * What is to be done, before anything of it is done.
 *
 * @param {"adopt"|"send_again"|"clear"} way
 * @param {object} need the row's `need`
 * @param {{ekyc_task_id?: string}} fields what the person typed
 */
export function plan(way, need, fields = {}) {
  return { way, need, fields, confirmed: way === "send_again", answer: null, recorded: false, cleared: null, stopped: false, paused: false, unwritten: false, problem: null, confirm: false };
}

/** The JSON of the plugin's route for a way. */
export function settleBody({ way, need, fields, confirmed }) {
  const { dag_id, run_id, task_id, map_index = -1, name } = need;
  const which = { dag_id, run_id, task_id, map_index, name };
  if (way === "adopt") which.ekyc_task_id = fields.ekyc_task_id;
  // The send that the person has seen: a later one of the same list is another decision.
  if (way === "send_again" && need.when) which.sent_at = need.when;
  return confirmed ? { ...which, confirmed: true } : which;
}

/** The JSON for Airflow's clearTaskInstances: the failed task and what failed after it. */
export function clearBody(need) {
  const mapped = need.map_index >= 0;
  return {
    dag_id: need.dag_id,
    dag_run_id: need.run_id,
    task_ids: [mapped ? [need.task_id, need.map_index] : need.task_id],
    include_downstream: true,
    only_failed: true,
    reset_dag_runs: true,
    dry_run: false,
  };
}

/** An id as it was pasted: without the white space and the quotes around it. */
export function pastedId(text) {
  return text
    .trim()
    .replace(/^(["'`])(.*)\1$/s, "$2")
    .trim();
}

/** Why an id cannot be one; null if it can. The server decides in the end. */
export function complaint(id) {
  if (id === "") return "Enter the id of the remote task.";
  return /\s/.test(id) ? "An id has no spaces in it." : null;
}

/**
 * Do the steps that are still to be done.
 *
 * @param {object} state from `plan`, or from a call of this function that ended with a problem; with `confirmed: true`
 *   where the answer was a question (`confirm`) and the person has said yes
 * @param {(sentence: string) => void} report says what is being done
 * @param {typeof askServer} ask sends a request
 * @param {typeof sleep} pause waits
 * @returns {Promise<object>} the state after the last step, or after the step that failed, with its `problem`
 */
export async function proceed(state, report, ask = askServer, pause = sleep) {
  let now = { ...state, unwritten: false, problem: null, confirm: false };
  if (now.way !== "clear" && now.answer === null) {
    report(now.way === "adopt" ? "Checking the id with one status query." : "Recording that the list may be sent again.");
    const url = address(now.way === "adopt" ? "ekyc/adopt" : "ekyc/send-again");
    const { data, problem } = await ask(url, { method: "POST", json: settleBody(now) });
    // Settled by somebody else, and not cleared yet: that is all that is left to do.
    if (problem && data?.clear) return { ...now, answer: data, recorded: true, problem };
    if (problem) return { ...now, problem, confirm: data?.confirm === true };
    now = { ...now, answer: data, recorded: !data.write };
  }
  if (!now.recorded && now.way !== "clear") {
    report("Writing the record.");
    const { problem } = await writeVariable(now.answer.write, ask);
    if (problem && now.way === "send_again") return { ...now, answer: null, unwritten: true, problem };
    if (problem) return { ...now, problem };
    now = { ...now, recorded: true };
  }
  report("Clearing the task.");
  const { dag_id, ...clear } = now.way === "clear" ? clearBody(now.need) : now.answer.clear;
  const url = address(`api/v2/dags/${encodeURIComponent(dag_id)}/clearTaskInstances`);
  const { data, problem } = await ask(url, { method: "POST", json: clear });
  if (problem) return { ...now, problem };
  const cleared = data?.total_entries ?? data?.task_instances?.length ?? 0;
  if (cleared === 0) return { ...now, cleared };
  const stopped = await hasStopped(now.need, report, ask, pause);
  return { ...now, cleared, stopped, paused: !stopped && (await isPaused(dag_id, ask)) };
}

/** Whether Airflow runs nothing of a DAG, so that what was cleared waits, too; false where that is not known. */
async function isPaused(dag_id, ask) {
  const { data } = await ask(address(`api/v2/dags/${encodeURIComponent(dag_id)}`));
  return data?.is_paused === true;
}

/**
 * Whether the cleared task does not run, though it was started again where that is possible.
 *
 * A clear leaves a run as it is that has not ended. If the scheduler ends it at that moment, the run has failed and
 * nothing starts the cleared task (seen in Airflow 3.3.2: 3 to 5 of 100 clears in the second after the last task's end).
 */
async function hasStopped({ dag_id, run_id, task_id, map_index = -1 }, report, ask, pause) {
  const run = `api/v2/dags/${encodeURIComponent(dag_id)}/dagRuns/${encodeURIComponent(run_id)}`;
  const task = `${run}/taskInstances/${encodeURIComponent(task_id)}${map_index >= 0 ? `/${map_index}` : ""}`;
  const stateOf = async (path) => (await ask(address(path))).data?.state;
  const state = await stateOf(run);
  // A run that had ended is queued by the clear, and no longer the scheduler's to end.
  if (state === undefined || state === "queued") return false;
  report("Looking whether the run goes on.");
  await pause(RUN_END);
  if (!["failed", "success"].includes(await stateOf(run)) || (await stateOf(task)) !== null) return false;
  const { problem } = await ask(address(run), { method: "PATCH", json: { state: "queued" } });
  return problem !== null;
}

/** Write a Variable as the plugin says: create it (refused where it exists by now), or replace it. */
function writeVariable({ method = "PATCH", variable, value, description }, ask) {
  const path = method === "POST" ? "api/v2/variables" : `api/v2/variables/${encodeURIComponent(variable)}`;
  return ask(address(path), { method, json: { key: variable, value, description } });
}

/** Whether the record that was to be created exists: to go on would be refused again. */
export function isRecordedAlready({ answer, recorded, problem }) {
  return problem?.status === 409 && answer !== null && !recorded;
}

/** What a person reads afterwards: what has been done, what has not, and whether it is safe to try again. */
export function outcome(state) {
  const { way, answer, recorded, cleared, stopped, paused, unwritten, problem } = state;
  const done = { adopt: "The id is recorded.", send_again: "It is recorded that the list may be sent again.", clear: "" }[way];
  const joined = (...parts) => parts.filter(Boolean).join(" ");
  if (problem === null) {
    const tasks =
      cleared === 0
        ? "Airflow found no failed task to clear: it may be running again already."
        : stopped
          ? "The run ended while the task was cleared, so it does not run. Clear it once more in Airflow."
          : cleared === 1
            ? `1 task is cleared${paused ? ". The DAG is paused: it runs when the DAG is unpaused." : " and runs again."}`
            : `${cleared} tasks are cleared${paused ? ". The DAG is paused: they run when it is unpaused." : " and run again."}`;
    return joined(answer?.message ?? done, tasks);
  }
  const isUnsure = ["away", "server"].includes(problem.kind);
  if (way === "clear") return joined(problem.text, isUnsure ? "It is not known whether the tasks were cleared; to try again is safe." : "Nothing was cleared.");
  if (answer === null) return joined(unwritten && !isUnsure && "Nothing is recorded yet.", problem.text, isUnsure && "It is not known whether anything was recorded; to try again is safe: nothing is recorded twice.");
  if (isRecordedAlready(state)) return "The record is there already: yours, if an earlier try was not answered, or another person's. Close this: the row shows what is left to do.";
  if (!recorded) return joined(isUnsure ? "It is not known whether the id is recorded; to go on is safe." : "Nothing is recorded yet.", problem.text);
  const open = isUnsure ? "It is not known whether the task is cleared; to clear it again is safe." : "The task is not cleared yet.";
  // Settled by somebody else: the server's sentence says what is left.
  if (answer.message === undefined) return joined(problem.text, isUnsure && open);
  return joined(done, open, problem.text);
}
