// Requests to this very server, and what an answer means. No React. The session's cookie goes along by itself.

const TIMEOUT = 30_000;

/** The address of something below Airflow's base URL, which the page's <base> names. */
export function address(path, query = {}) {
  const url = new URL(path, document.baseURI);
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, String(value));
  }
  return url;
}

/** The sentence of an error's JSON body: FastAPI's `detail` is a text, an object or a list of complaints. */
export function detailOf(body) {
  const detail = body?.detail ?? body?.message ?? null;
  if (typeof detail === "string") return detail;
  if (Array.isArray(detail)) {
    return detail.map((each) => [each?.loc?.at?.(-1), each?.msg].filter(Boolean).join(": ")).join("; ") || null;
  }
  return typeof detail?.reason === "string" ? detail.reason : null;
}

/**
 * What went wrong, as `{kind, status, text}`; null if nothing did. `text` is a sentence for a person.
 *
 * A URL that no route of this server knows is answered by Airflow's own page, with 200 and HTML, without a login too:
 * so the type of the content decides before the status does.
 */
export function problemOf({ status, type, redirected, body }) {
  const detail = detailOf(body);
  if (redirected || status === 401 || (status === 403 && detail === "Invalid JWT token")) {
    return { kind: "login", status, text: "Your session has ended. Log in again to see current data." };
  }
  if (status >= 200 && status < 300 && (status === 204 || type.includes("json"))) return null;
  if (status >= 200 && status < 300) {
    return {
      kind: "not_json",
      status,
      text: "The server answered with a page instead of data. The eKYC plugin may not be loaded there, or a proxy answers.",
    };
  }
  if (status === 403) {
    return {
      kind: "forbidden",
      status,
      text: detail && detail !== "Forbidden" ? detail : "You do not have the permission for this.",
    };
  }
  if (status >= 500 || status === 429) {
    return { kind: "server", status, text: detail ?? `The server answered with an error (${status}).` };
  }
  return { kind: "refused", status, text: detail ?? `The server refused the request (${status}).` };
}

/**
 * Send one request and read its answer.
 *
 * @param {URL|string} url
 * @param {{method?: string, json?: object, signal?: AbortSignal}} options `json` is sent as the body
 * @returns {Promise<{data: any, status: number, problem: null | {kind: string, status: number, text: string}}>}
 *   `data` is the answer's JSON, that of an error too; it never rejects, but for an abort by `signal`
 */
export async function ask(url, { method = "GET", json, signal } = {}) {
  const timeout = AbortSignal.timeout(TIMEOUT);
  const options = {
    method,
    credentials: "same-origin",
    cache: "no-store",
    // A redirect leads to a login page, often on another host, which a script may not read.
    redirect: "manual",
    headers: { Accept: "application/json" },
    signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
  };
  if (json !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(json);
  }
  let response;
  let text;
  try {
    response = await fetch(url, options);
    text = response.type === "opaqueredirect" ? "" : await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    const late = timeout.aborted;
    return {
      data: null,
      status: 0,
      problem: {
        kind: "away",
        status: 0,
        text: late ? "The server did not answer within 30 s." : "The server cannot be reached.",
      },
    };
  }
  const type = response.headers.get("content-type") ?? "";
  let body = null;
  try {
    body = text && type.includes("json") ? JSON.parse(text) : null;
  } catch {
    return {
      data: null,
      status: response.status,
      problem: { kind: "server", status: response.status, text: "The server's answer was cut off." },
    };
  }
  const redirected = response.type === "opaqueredirect";
  const problem = problemOf({ status: response.status, type, redirected, body });
  return { data: body, status: response.status, problem };
}

/** Airflow's own login page, which leads back to where the user is. */
export function loginAddress(location) {
  return address("api/v2/auth/login", { next: `${location.pathname}${location.search}${location.hash}` }).href;
}

/** The URL if it is http or https, else null: a link's address comes from data that others can write. */
export function safeLink(text) {
  if (typeof text !== "string" || !/^https?:\/\//i.test(text)) return null;
  try {
    const url = new URL(text);
    return url.username || url.password ? null : url.href;
  } catch {
    return null;
  }
}
