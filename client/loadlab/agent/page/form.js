/**
 * What the next run shall be. The agent judges it: its sentences are shown here as they are, and the fields that they
 * name are marked. The page only leaves out what the chosen scenario cannot do.
 */

import { Refusal, start } from "./api.js";
import { byId, make, text } from "./dom.js";
import { keep } from "./token.js";
import { TRANSPORTS, WORKLOADS } from "./traits.js";

const SIZES = Object.values(WORKLOADS).map(({ size }) => size);
const OF_SOME = new Set(Object.values(WORKLOADS).flatMap(({ takes }) => takes));
const FIRST_RATES = "100,200,400";
/** How what was written is read, where blanks or lines matter. */
const READ = {
  header: (lines) => lines.split("\n").map((line) => line.trim()).filter(Boolean),
  body: (whole) => whole,
};
const NAMED = /--([a-z-]+)/g;

export class Form {
  /** @param {(runId: string) => void} started @param {() => void} connect anew, with a token */
  constructor(started, connect) {
    Object.assign(this, { started, connect });
    this.form = byId("form");
    this.scenarios = [];
    this.defaults = {};
    this.target = [];
    this.results = [];
    byId("token").addEventListener("change", () => this.takeToken());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    const changed = (event) => {
      if (!this.isOffered) return;
      if (event.target.name === "scenario") this.fitScenario();
      if (event.target.name === "workload") this.fitWorkload();
      this.command();
    };
    this.form.addEventListener("input", changed); // with each key
    this.form.addEventListener("change", changed); // what fills forms in for people tells this alone
  }

  /** Take what the agent offers; what has been chosen already stays. @param {Object} state of the API */
  offer(state) {
    const first = !this.isOffered;
    this.scenarios = state.scenarios;
    this.defaults = state.defaults;
    this.target = state.target_options;
    this.results = state.results_options;
    byId("token-field").hidden = true;
    if (!first) return;
    const { scenario, concurrency, requests, rate, duration, processes } = this.form.elements;
    scenario.replaceChildren(...state.scenarios.map(({ name }) => make("option", {}, name)));
    scenario.value = (state.scenarios.find((each) => each.many_processes) ?? state.scenarios[0]).name;
    concurrency.value = state.defaults.concurrency ?? "";
    requests.value = state.defaults.requests ?? "";
    duration.value = state.defaults.duration ?? "";
    rate.value = FIRST_RATES;
    processes.placeholder = "one per core";
    this.fitScenario();
    this.command();
  }

  /** There was no token, or a wrong one. */
  askForTokenAnew() {
    keep("");
    byId("token").value = "";
    byId("token-field").hidden = false;
    byId("new").open = true;
    byId("token").focus();
  }

  takeToken() {
    const pasted = byId("token").value;
    if (!pasted) return;
    keep(pasted);
    byId("token").value = "";
    this.connect();
  }

  /** Whether the agent has said what there is to choose from. */
  get isOffered() {
    return this.scenarios.length > 0;
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
    const { idea, size, takes } = WORKLOADS[workload];
    text(byId("workload-hint"), idea);
    for (const field of this.form.querySelectorAll("[data-option]")) {
      const { option } = field.dataset;
      if (OF_SOME.has(option)) field.hidden = SIZES.includes(option) ? option !== size : !takes.includes(option);
    }
    if (traits.single_user) this.field("concurrency").hidden = true;
  }

  field(option) {
    return this.form.querySelector(`[data-option="${option}"]`);
  }

  /** @returns {Object<string, string|string[]>} what is visible and filled in, as the command line's options */
  options() {
    const chosen = {};
    for (const [name, value] of new FormData(this.form)) {
      const given = READ[name]?.(value.replaceAll("\r\n", "\n")) ?? value.trim();
      if (!this.field(name).hidden && given.length) chosen[name] = given;
    }
    return chosen;
  }

  command() {
    const { scenario, ...rest } = this.options();
    const usual = { ...this.defaults, workload: this.traits.workloads[0], transport: this.traits.transports[0] };
    const load = Object.entries(rest).filter(([name, value]) => usual[name] !== value)
      .flatMap(([name, value]) => [value].flat().flatMap((each) => [`--${name.replaceAll("_", "-")}`, each]));
    const target = TRANSPORTS[rest.transport].contacts_target ? this.target : [];
    const words = [".venv/bin/loadlab", "run", ...[scenario, ...load, ...target, ...this.results].map(quoted)];
    byId("command").replaceChildren(...words.flatMap((word, place) => [place ? " " : "", make("span", {}, word)]));
  }

  async submit() {
    const button = byId("start");
    if (button.getAttribute("aria-disabled")) return;
    this.takeToken();
    this.refuse("");
    if (!this.isOffered) return;
    button.setAttribute("aria-disabled", "true");
    try {
      const { run_id: runId } = await start(this.options());
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
    byId("refusal").replaceChildren(...lines.map((line) => make("p", {}, this.inItsWords(line))));
    let first = null;
    for (const line of lines) {
      for (const [, option] of line.split(":")[0].matchAll(NAMED)) {
        const input = this.form.elements[option.replaceAll("-", "_")];
        if (!(input instanceof HTMLElement) || input.closest("[hidden]")) continue;
        input.setAttribute("aria-invalid", "true");
        input.setAttribute("aria-errormessage", "refusal");
        for (const folded of [input.closest("details details"), byId("new")]) if (folded) folded.open = true;
        first ??= input;
      }
    }
    first?.focus();
  }

  /** @param {string} line @returns {string} with the labels of the form in place of the command line's options */
  inItsWords(line) {
    const label = (option) => this.field(option.replaceAll("-", "_"))?.querySelector("label, legend").textContent;
    return line.replace(/^(?:--([a-z-]+)|SCENARIO)(?=:)/, (all, option) => label(option ?? "scenario") ?? all)
      .replaceAll(NAMED, (all, option) => (label(option) ? `“${label(option)}”` : all));
  }
}

/** @param {string} value @returns {string} as a shell takes it for one word */
function quoted(value) {
  return /^[\w.,:%/@=+-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;
}
