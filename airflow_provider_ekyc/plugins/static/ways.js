// The ways out of one row that needs a person: buttons, the field or question of each, and what was done.

import { Button, Notice, OutLink } from "./elements.js";
import { Link, h, useCallback, useEffect, useId, useRef, useState } from "./react.js";
import { loginAddress, safeLink } from "./request.js";
import { logPath } from "./rows.js";
import { complaint, isRecordedAlready, outcome, pastedId, plan, proceed } from "./settle.js";
import { amount, counted } from "./text.js";

function AdoptForm({ need, busy, onSubmit, onCancel }) {
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState(null);
  const [field, help] = [useId(), useId()];
  const input = useRef(null);
  useEffect(() => input.current?.focus(), []);
  const submit = (event) => {
    event.preventDefault();
    const id = pastedId(text);
    const fault = complaint(id);
    setWrong(fault);
    if (fault) input.current?.focus();
    else onSubmit({ ekyc_task_id: id });
  };
  return h(
    "form",
    { className: "ekyc-panel", onSubmit: submit, noValidate: true },
    h("label", { htmlFor: field }, "Id of the remote task that the API has accepted"),
    h(
      "div",
      { className: "ekyc-row" },
      h("input", {
        id: field,
        ref: input,
        className: "ekyc-input ekyc-mono",
        value: text,
        onChange: (event) => setText(event.target.value),
        autoComplete: "off",
        autoCapitalize: "none",
        spellCheck: false,
        "aria-describedby": help,
        "aria-invalid": wrong !== null,
      }),
      h(Button, { type: "submit", weight: "main", disabled: busy }, "Check and adopt"),
      h(Button, { onClick: onCancel, disabled: busy }, "Cancel"),
    ),
    need.possible_ids?.length > 0 &&
      h(
        "p",
        { className: "ekyc-row" },
        "The log names: ",
        need.possible_ids.map((id) => h(Button, { key: id, weight: "link", onClick: () => setText(String(id)) }, String(id))),
      ),
    h(
      "p",
      { id: help, className: wrong ? "ekyc-wrong" : "ekyc-second", role: wrong ? "alert" : undefined },
      wrong ?? "It is in the vendor's console. It is checked with one status query, which may be charged. Then the task is cleared and waits for this id; nothing is sent.",
    ),
  );
}

function Question({ title, children, action, weight, busy, onSubmit, onCancel }) {
  const first = useRef(null);
  useEffect(() => first.current?.focus(), []);
  const id = useId();
  return h(
    "div",
    { className: "ekyc-panel", role: "group", "aria-labelledby": id },
    h("p", { id, ref: first, tabIndex: -1, className: "ekyc-question" }, h("strong", null, title)),
    children,
    h("div", { className: "ekyc-row" }, h(Button, { weight, disabled: busy, onClick: () => onSubmit({}) }, action), h(Button, { onClick: onCancel, disabled: busy }, "Cancel")),
  );
}

function SendAgainQuestion({ need, ...more }) {
  const rows = counted(need.rows, "number") ?? "The numbers";
  const cost = amount(need.estimated_cost);
  return h(
    Question,
    { ...more, title: "Send the list again? It may be charged twice.", action: "Send the list again", weight: "danger" },
    h("p", null, `If the API accepted the first submission, it has charged for it already. ${rows} would then be charged a second time.`),
    h("p", null, cost ? `A second submission costs about ${cost}.` : "What it costs is not known here: the connection names no price."),
  );
}

function ClearQuestion({ need, ...more }) {
  return h(
    Question,
    { ...more, title: `Clear ${need.task_id}${need.map_index >= 0 ? ` [${need.map_index}]` : ""} and what failed after it?`, action: "Clear and run again", weight: "main" },
    h("p", null, "They run again and pick up the result that is paid for. The list is not sent again."),
  );
}

const FORMS = { adopt: AdoptForm, send_again: SendAgainQuestion, clear: ClearQuestion };
const LABELS = { adopt: "Adopt", send_again: "Send again", clear: "Clear" };
const HINTS = {
  adopt: "Go on with a remote task whose id you know",
  send_again: "Submit the list once more; it may be charged twice",
  clear: "Run the failed tasks again; nothing is submitted",
};

function Outcome({ state, onAgain, onClose }) {
  const place = useRef(null);
  // Unless the person went on to another row meanwhile.
  useEffect(() => {
    const active = document.activeElement;
    if (active === document.body || place.current?.parentElement.contains(active)) place.current?.focus();
  }, [state]);
  const { problem } = state;
  return h(
    "div",
    { className: "ekyc-panel", ref: place, tabIndex: -1, role: problem || state.stopped ? "alert" : "status" },
    h(Notice, { tone: state.confirm || state.stopped ? "warning" : problem === null ? "done" : "error" }, outcome(state)),
    h(
      "div",
      { className: "ekyc-row" },
      problem?.kind === "login" && h("a", { className: "ekyc-button ekyc-button-main", href: loginAddress(globalThis.location) }, "Log in"),
      state.confirm && h(Button, { weight: "danger", onClick: () => onAgain({ confirmed: true }) }, "Adopt it all the same"),
      problem && problem.kind !== "login" && !state.confirm && !isRecordedAlready(state) && h(Button, { weight: "main", onClick: () => onAgain({}) }, !state.answer ? "Try again" : state.recorded ? "Clear the task" : "Go on"),
      h(Button, { onClick: onClose }, "Close"),
    ),
  );
}

/**
 * Buttons, forms and outcome.
 *
 * @param {{need: object, onHold: (held: boolean) => void, onDone: () => void}} props `onHold` is called with whether the
 *   row must stay on the page though the server no longer lists it: something is typed, or an outcome is to be read;
 *   `onDone` when something was changed
 */
export function Ways({ need, onHold, onDone }) {
  const [open, setOpen] = useState(null);
  const [state, setState] = useState(null);
  const [doing, setDoing] = useState(null);
  const buttons = useRef({});
  const close = useCallback(() => {
    const way = open ?? state?.way;
    setOpen(null);
    setState(null);
    onHold(false);
    requestAnimationFrame(() => buttons.current[way]?.focus({ preventScroll: true }));
  }, [open, state, onHold]);
  const show = (way) => {
    setState(null);
    setOpen(way);
    onHold(true);
  };
  const run = async (from) => {
    setDoing("");
    const after = await proceed(from, setDoing);
    setDoing(null);
    setState(after);
    // What was typed stays when nothing was changed, so that it can be corrected.
    if (after.problem === null || after.answer !== null) setOpen(null);
    onDone();
  };
  const onKeyDown = (event) => {
    if (event.key === "Escape" && doing === null && (open || state)) {
      event.stopPropagation();
      close();
    }
  };
  const Form = open && FORMS[open];
  const settled = state !== null && (state.problem === null || state.answer !== null);
  const log = logPath(need);
  return h(
    "div",
    { className: "ekyc-ways", onKeyDown, "aria-busy": doing !== null },
    !settled &&
      h(
        "div",
        { className: "ekyc-row" },
        need.may_edit &&
          ["adopt", "send_again", "clear"]
            .filter((way) => need.ways.includes(way))
            .map((way) =>
              h(
                Button,
                {
                  key: way,
                  ref: (element) => void (buttons.current[way] = element),
                  weight: way === "send_again" ? "quiet" : "main",
                  title: HINTS[way],
                  "aria-expanded": open === way,
                  disabled: doing !== null,
                  onClick: () => (open === way ? close() : show(way)),
                },
                LABELS[way],
              ),
            ),
        need.ways.includes("log") && h(Link, { to: log, className: "ekyc-button ekyc-button-quiet" }, "Open log"),
        need.runbook && h(OutLink, { href: need.runbook, title: need.runbook }, safeLink(need.runbook) ? "What to do: runbook" : `What to do: ${need.runbook}`),
        !need.may_edit && h("span", { className: "ekyc-second" }, "You may read this task, not edit it: somebody who may edit it can settle this."),
      ),
    Form && !settled && h(Form, { key: open, need, busy: doing !== null, onCancel: close, onSubmit: (fields) => run(plan(open, need, fields)) }),
    doing !== null && h("p", { role: "status", className: "ekyc-second" }, doing),
    state !== null && doing === null && h(Outcome, { state, onAgain: (more) => run({ ...state, ...more }), onClose: close }),
  );
}

