/**
 * What the next run shall be. The agent judges it: its sentences are shown here as they are, and the fields that they
 * name are marked. The page only leaves out what the chosen scenario cannot do.
 */

import { Refusal, start } from "./api.js";
import { byId, make, text } from "./dom.js";
import { keep, token } from "./token.js";

const WORKLOADS = {
  closed: "N users, each with one request in flight",
  open: "by a schedule, whatever became of those before",
  batch: "N requests at once; what counts is the time until the last reply",
};
const FIRST_RATES = "100,200,400";
const NAMED = /--([a-z-]+)/g;

export class Form {
  /** @param {(runId: string) => void} started */
  constructor(started) {
    this.started = started;
    this.form = byId("form");
    this.scenarios = [];
    this.defaults = {};
    this.needsToken = false;
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    const changed = (event) => {
      if (event.target.name === "scenario") this.fitScenario();
      if (event.target.name === "workload") this.fitWorkload();
      this.command();
    };
    this.form.addEventListener("input", changed); // with each key
    this.form.addEventListener("change", changed); // what fills forms in for people tells this alone
  }

  /** Take what the agent offers; what has been chosen already stays. @param {Object} state of the API */
  offer(state) {
    const first = this.scenarios.length === 0;
    this.scenarios = state.scenarios;
    this.defaults = state.defaults;
    this.needsToken = state.needs_token;
    this.askForToken();
    if (!first) return;
    const { scenario, concurrency, requests, rate, duration, processes } = this.form.elements;
    scenario.replaceChildren(...state.scenarios.map(({ name }) => make("option", {}, name)));
    scenario.value = state.scenarios.some(({ name }) => name === "pool") ? "pool" : state.scenarios[0].name;
    concurrency.value = state.defaults.concurrency ?? "";
    requests.value = state.defaults.requests ?? "";
    duration.value = state.defaults.duration ?? "";
    rate.value = FIRST_RATES;
    processes.placeholder = "one per core";
    this.fitScenario();
    this.command();
  }

  askForToken() {
    byId("token-field").hidden = !this.needsToken || token() !== null;
  }

  /** The token was a wrong one, or there was none. */
  askForTokenAnew() {
    keep("");
    this.needsToken = true;
    this.askForToken();
    byId("new").open = true;
    byId("token").focus();
  }

  get traits() {
    return this.scenarios.find(({ name }) => name === this.form.elements.scenario.value);
  }

  get workload() {
    return new FormData(this.form).get("workload");
  }

  /** Leave only what the scenario can do. */
  fitScenario() {
    const { traits } = this;
    text(byId("idea"), traits.idea);
    const before = this.workload;
    const chosen = traits.workloads.includes(before) ? before : traits.workloads[0];
    const choices = traits.workloads.map((name) => {
      const radio = make("input", { type: "radio", name: "workload", value: name });
      radio.checked = name === chosen;
      return make("label", {}, radio, make("span", {}, name));
    });
    byId("workloads").replaceChildren(...choices);
    const { transport } = this.form.elements;
    const carried = traits.transports.includes(transport.value) ? transport.value : traits.transports[0];
    transport.replaceChildren(...traits.transports.map((name) => make("option", {}, name)));
    transport.value = carried;
    for (const field of this.form.querySelectorAll("[data-trait]")) field.hidden = !traits[field.dataset.trait];
    this.fitWorkload();
  }

  /** Leave only what the workload has. */
  fitWorkload() {
    const { traits, workload } = this;
    text(byId("workload-hint"), WORKLOADS[workload]);
    for (const field of this.form.querySelectorAll("[data-workloads]")) {
      field.hidden = !field.dataset.workloads.split(" ").includes(workload);
    }
    if (traits.single_user) this.field("concurrency").hidden = true;
  }

  field(option) {
    return this.form.querySelector(`[data-option="${option}"]`);
  }

  /** @returns {Object<string, string>} what is visible and filled in, as the command line's options */
  options() {
    const chosen = {};
    for (const [name, value] of new FormData(this.form)) {
      if (!this.field(name).hidden && value.trim()) chosen[name] = value.trim();
    }
    return chosen;
  }

  command() {
    const { scenario, ...rest } = this.options();
    const usual = { ...this.defaults, workload: this.traits.workloads[0], transport: this.traits.transports[0] };
    const given = Object.entries(rest).filter(([name, value]) => usual[name] !== value);
    text(byId("command"), `.venv/bin/loadlab run ${[scenario, ...given.map(([name, value]) => `--${name.replaceAll("_", "-")} ${quoted(value)}`)].join(" ")}`);
  }

  async submit() {
    const button = byId("start");
    if (button.getAttribute("aria-disabled")) return;
    const pasted = byId("token").value;
    if (pasted) keep(pasted);
    this.refuse("");
    button.setAttribute("aria-disabled", "true");
    try {
      const { run_id: runId } = await start(this.options());
      byId("token").value = "";
      this.askForToken();
      this.started(runId);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.refuse(error.message);
      if (error.status === 401) this.askForTokenAnew();
    } finally {
      button.removeAttribute("aria-disabled");
    }
  }

  /** Say why no run can be started now. Start stays to be pressed: the agent decides. @param {?string} why */
  hinder(why) {
    byId("start").classList.toggle("hindered", why !== null);
    text(byId("start-hint"), why ?? "");
  }

  /** Show why a run was not started, each sentence in a line; nothing clears it. @param {string} sentences */
  refuse(sentences) {
    for (const marked of this.form.querySelectorAll("[aria-invalid]")) marked.removeAttribute("aria-invalid");
    const lines = sentences.split("\n").filter(Boolean);
    byId("refusal").replaceChildren(...lines.map((line) => make("p", {}, line)));
    let first = null;
    for (const line of lines) {
      for (const [, option] of line.split(":")[0].matchAll(NAMED)) {
        const input = this.form.elements[option.replaceAll("-", "_")];
        if (!(input instanceof HTMLElement) || input.closest("[hidden]")) continue;
        input.setAttribute("aria-invalid", "true");
        input.setAttribute("aria-errormessage", "refusal");
        first ??= input;
      }
    }
    first?.focus();
  }
}

function quoted(value) {
  return /^[\w.,:%/-]+$/.test(value) ? value : `'${value}'`;
}
