/**
 * The live page of a load lab.
 *
 * One stream tells everything about the latest run, whoever started it; `Run` folds it, and what is shown is drawn
 * from the run alone. So a page that was reloaded, came late or lost its connection shows the same as one that was
 * there from the beginning. Numbers follow every tick; charts are drawn at most once a second and never in a hidden
 * tab, because the browser may share its processor with what is measured.
 */

import * as api from "./api.js";
import { byId, make, text } from "./dom.js";
import { Figures } from "./figures.js";
import { Form } from "./form.js";
import { linkTo, toLatest, wanted } from "./route.js";
import { apply, begin, end, fromResult, isOver, label, losing } from "./run.js";
import { Runs } from "./runs.js";
import { Stages } from "./stages.js";
import { follow } from "./stream.js";
import { SweepCharts } from "./sweepcharts.js";
import { showTable } from "./table.js";
import { onChange } from "./theme.js";
import { TimeCharts } from "./timecharts.js";
import { takeFromAddress } from "./token.js";
import { showChecks, showVerdict, conclusion } from "./verdict.js";
import { load } from "./words.js";

const CHARTS_EVERY_MS = 1_000;
const SETTLED_MS = 2_000;
const NARROW = matchMedia("(max-width: 1000px)");

/** The latest run of the stream; the earlier one that was asked for; a run that has not begun yet. */
let latest = null;
let earlier = null;
let starting = null;
let notBegun = null;
let opened = false;
let stops = { id: null, times: 0 };

const figures = new Figures(byId("tiles"), byId("figures-of"));
const stages = new Stages(byId("stages"));
const sweep = new SweepCharts(byId("sweep"));
const time = new TimeCharts(byId("time"));
const runs = new Runs();
const form = new Form((runId) => {
  starting = runId;
  notBegun = null;
  toLatest();
  choose();
  if (!NARROW.matches) return;
  byId("new").open = false;
  byId("main").scrollIntoView();
});

/** The run that the page shows now. */
function shown() {
  const id = wanted();
  if (id === null || id === latest?.id) return latest;
  return earlier?.id === id ? earlier : null;
}

function say(words) {
  text(byId("say"), words);
}

// What the agent tells

function tell(event) {
  if (event.type === "RunBegan") {
    latest = begin(event);
    starting = null;
    notBegun = null;
    say(`${event.plan.scenario} has begun`);
    choose();
    return;
  }
  if (event.type === "Refused" && (latest === null || isOver(latest) || starting !== null)) {
    starting = null;
    notBegun = event.sentence;
    choose();
    return;
  }
  if (latest === null) return;
  apply(latest, event);
  if (event.type === "StageBegan") announceStage(event.index);
  if (isOver(latest)) ended();
  if (shown() === latest) draw(event.type !== "Tick");
}

function announceStage(index) {
  say(`stage of ${load(label(latest.plan.stages[index]), latest.plan.workload)}`);
}

function ended() {
  const told = conclusion(latest);
  say(`${told.word} ${told.sentence} ${told.why.join(" ")}`);
  runs.refresh();
  chooseBanner();
}

async function connected(state, why) {
  const note = byId("connection");
  note.dataset.state = state;
  document.body.dataset.connection = state;
  const lost = why ?? `connection lost at ${new Date().toTimeString().slice(0, 8)}; what is shown is from then`;
  text(note, state === "live" ? "connected" : `${lost}. Trying again …`);
  if (state !== "live") return;
  runs.refresh();
  try {
    const offered = await api.state();
    text(byId("target"), offered.target);
    form.offer(offered);
    await reconcile(offered);
  } catch (error) {
    if (!(error instanceof api.Refusal)) throw error;
  }
  choose();
}

/** An agent that was started anew knows nothing of a run that went on before, except by its result. */
async function reconcile({ running }) {
  starting = running !== null && running.run_id !== latest?.id ? running.run_id : null;
  const run = latest;
  if (run === null || isOver(run) || running?.run_id === run.id) return;
  await new Promise((resolve) => { setTimeout(resolve, SETTLED_MS); });
  if (latest !== run || isOver(run)) return;
  try {
    end(run, await api.result(run.id));
  } catch (error) {
    if (error.status !== 404) return;
    losing(run);
  }
  ended();
}

// What is shown

async function choose() {
  const id = wanted();
  if (id !== null && id !== latest?.id && id !== earlier?.id) {
    earlier = null;
    try {
      const found = fromResult(await api.result(id));
      if (wanted() !== id) return;
      earlier = found;
      say(`${id}: ${conclusion(found).word}`);
    } catch (error) {
      if (!(error instanceof api.Refusal)) throw error;
      if (wanted() === id) chooseEmpty(`${id}: ${error.message}`);
      return;
    }
  }
  runs.mark(shown()?.id ?? null);
  chooseBanner();
  chooseEmpty(null);
  giveWay();
  draw(true);
}

/** On a phone, a page that opens on a run shows the run first. */
function giveWay() {
  if (opened || shown() === null) return;
  opened = true;
  if (NARROW.matches && !byId("new").contains(document.activeElement)) byId("new").open = false;
}

function chooseBanner() {
  const banner = byId("elsewhere");
  const going = latest !== null && !isOver(latest) && shown() !== latest;
  const about = going
    ? [`${latest.plan.scenario} is running now. `, make("a", { href: "#" }, "Watch it")]
    : notBegun !== null ? [`The run could not begin: ${notBegun}`]
      : starting !== null && shown() !== null ? [`${starting} is starting …`] : [];
  banner.hidden = about.length === 0;
  banner.replaceChildren(...about);
}

function chooseEmpty(sentence) {
  const run = sentence === null ? shown() : null;
  for (const id of ["head", "stages", "figures", "sweep", "time"]) byId(id).hidden = run === null;
  byId("empty").hidden = run !== null;
  byId("main").dataset.stage = run === null ? "empty" : isOver(run) ? "over" : "running";
  if (run !== null) return;
  for (const id of ["verdict", "table", "checks"]) byId(id).hidden = true;
  const words = sentence ?? (starting === null
    ? "No run yet. Choose a scenario and press Start: throughput, latency and the target’s threads are drawn here as they"
      + " move. A run that is started elsewhere (make run) shows up by itself."
    : `${starting} is starting …`);
  byId("empty").replaceChildren(make("p", {}, words));
}

let drawnAt = -Infinity;
const due = { frame: null, timer: null, everything: false };

/** Draw the run that is shown: numbers with the next frame; all the rest too, if something but a tick came. */
function draw(everything) {
  due.everything ||= everything;
  due.frame ??= requestAnimationFrame(() => {
    const all = due.everything;
    Object.assign(due, { frame: null, everything: false });
    const run = shown();
    if (run === null) return;
    drawNumbers(run);
    if (all) drawResults(run);
    const wait = all ? 0 : drawnAt + CHARTS_EVERY_MS - performance.now();
    if (wait <= 0) drawCharts();
    else due.timer ??= setTimeout(drawCharts, wait);
  });
}

function drawNumbers(run) {
  byId("main").dataset.stage = isOver(run) ? "over" : "running";
  stages.show(run);
  figures.show(run);
  const told = conclusion(run);
  const words = told?.word ?? (run.phase === "measuring" ? "measuring" : run.phase);
  text(byId("phase"), words);
  byId("phase").dataset.phase = told?.kind ?? run.phase;
  document.title = `${told?.word ?? "running"} · ${run.plan.scenario} · load lab`;
  const stop = byId("stop");
  stop.hidden = isOver(run) || run !== latest;
  text(stop, stops.id === run.id && stops.times ? "Stop now, wait for nothing" : "Stop");
}

function drawResults(run) {
  const { plan } = run;
  const link = byId("permalink");
  text(link, run.id);
  link.href = linkTo(run.id);
  text(byId("what"), [`${plan.scenario} · ${plan.transport} · ${plan.workload}`, run.where].filter(Boolean).join(" · "));
  showVerdict(byId("verdict"), run);
  showTable(byId("table"), run);
  showChecks(byId("checks"), run);
  sweep.show(run);
}

function drawCharts() {
  clearTimeout(due.timer);
  due.timer = null;
  const run = shown();
  if (run === null || document.hidden) return;
  drawnAt = performance.now();
  time.show(run);
}

// What the person does

byId("stop").addEventListener("click", async () => {
  const run = latest;
  const times = stops.id === run.id ? stops.times : 0;
  stops = { id: run.id, times: times + 1 };
  say(times ? "stopping without waiting" : "stopping: waiting for what is in flight");
  try {
    await api.stop(run.id);
  } catch (error) {
    if (!(error instanceof api.Refusal)) throw error;
    stops = { id: run.id, times };
    form.refuse(error.message);
    if (error.status === 401) form.askForTokenAnew();
  }
  draw(false);
});

addEventListener("hashchange", () => {
  takeFromAddress();
  choose();
});
document.addEventListener("visibilitychange", () => { if (!document.hidden) draw(true); });
onChange(() => {
  sweep.paint();
  time.paint();
});

takeFromAddress();
chooseEmpty(wanted() === null ? null : "Opening the run …");
follow(tell, connected, () => latest !== null && !isOver(latest));
