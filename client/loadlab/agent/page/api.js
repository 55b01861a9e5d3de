/**
 * The agent's API. Every failure is a `Refusal` with a sentence for the person at the page.
 *
 * A browser drops every connection when the machine gets or loses a network interface, as each start of a container
 * makes it do. So what only reads is asked a second time; what changes something is not.
 */

import { token } from "./token.js";

const PATIENCE_MS = 10_000;

/** Something that the agent would not or could not do. */
export class Refusal extends Error {
  /** @param {string} sentence @param {?number} status null where there was no answer */
  constructor(sentence, status) {
    super(sentence);
    this.status = status;
  }
}

export const state = () => get("/api/state");
export const runs = (limit) => get(`/api/runs?limit=${limit}`);
export const result = (id) => get(`/api/runs/${encodeURIComponent(id)}`);
/** @returns {Promise<Blob>} as it is kept */
export const resultFile = (id) => get(`/api/runs/${encodeURIComponent(id)}/result.json`, (reply) => reply.blob());
export const start = (options) => post("/api/runs", { options });
export const stop = (id) => post(`/api/runs/${encodeURIComponent(id)}/stop`, {});

/** @param {number} withinMs @returns {Promise<boolean>} whether the agent answers at all */
export async function answers(withinMs) {
  try {
    const reply = await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(withinMs) });
    return reply.ok;
  } catch {
    return false;
  }
}

/** @param {Object<string, string>} headers @returns {Object<string, string>} these, and the token if there is one */
export function withToken(headers) {
  const word = token();
  return word ? { ...headers, Authorization: `Bearer ${word}` } : headers;
}

/** @param {Response} reply one that is not ok @returns {Promise<Refusal>} */
export async function refusalOf(reply) {
  const said = await reply.json().catch(() => null);
  return new Refusal(said?.error ?? `The agent answered with status ${reply.status}.`, reply.status);
}

async function get(path, read) {
  const again = (error) => (error.status === null ? ask(path, { cache: "no-store" }, read) : Promise.reject(error));
  return ask(path, { cache: "no-store" }, read).catch(again);
}

function post(path, body) {
  return ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

async function ask(path, { headers = {}, ...options }, read = (reply) => reply.json()) {
  let reply;
  try {
    reply = await fetch(path, { ...options, headers: withToken(headers), signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch {
    throw new Refusal("The agent does not answer. Is it still running?", null);
  }
  if (!reply.ok) throw await refusalOf(reply);
  const said = await read(reply).catch(() => null);
  if (said === null && reply.status !== 202) {
    throw new Refusal("The agent's answer could not be read.", reply.status);
  }
  return said;
}
