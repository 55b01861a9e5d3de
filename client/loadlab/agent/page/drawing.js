/**
 * Draws the run that is shown. Numbers follow every tick; charts are drawn at most once a second and never in a hidden
 * tab, because the browser may share its processor with what is measured.
 */

import { byId, text } from "./dom.js";
import { Figures } from "./figures.js";
import { Names } from "./names.js";
import { linkTo } from "./route.js";
import { ResultFile } from "./resultfile.js";
import { isOver } from "./run.js";
import { Stages } from "./stages.js";
import { SweepCharts } from "./sweepcharts.js";
import { showTable } from "./table.js";
import { TimeCharts } from "./timecharts.js";
import { conclusion, showChecks, showVerdict } from "./verdict.js";
import { appTold } from "./words.js";

const CHARTS_EVERY_MS = 1_000;

export class Drawing {
  /** @param {Known} known @param {Stopping} stopping */
  constructor(known, stopping) {
    this.known = known;
    this.stopping = stopping;
    this.figures = new Figures(byId("tiles"), byId("figures-of"));
    this.stages = new Stages(byId("stages"));
    this.file = new ResultFile(known);
    this.sweep = new SweepCharts(byId("sweep"));
    this.names = new Names(byId("names"));
    this.time = new TimeCharts(byId("time"));
    this.drawnAt = -Infinity;
    this.due = { frame: null, timer: null, everything: false };
  }

  /** Draw numbers with the next frame; all the rest too, if something but a tick came. @param {boolean} everything */
  draw(everything) {
    this.due.everything ||= everything;
    this.due.frame ??= requestAnimationFrame(() => this.frame());
  }

  /** Draw the charts in the colours of now. */
  paint() {
    this.sweep.paint();
    this.time.paint();
  }

  frame() {
    const all = this.due.everything;
    Object.assign(this.due, { frame: null, everything: false });
    const run = this.known.shown();
    if (run === null) return;
    this.numbers(run);
    if (all) this.results(run);
    const wait = all ? 0 : this.drawnAt + CHARTS_EVERY_MS - performance.now();
    if (wait <= 0) this.charts();
    else this.due.timer ??= setTimeout(() => this.charts(), wait);
  }

  numbers(run) {
    byId("main").dataset.stage = isOver(run) ? "over" : "running";
    this.stages.show(run);
    this.figures.show(run);
    this.time.now(run);
    const told = conclusion(run);
    text(byId("phase"), told?.word ?? run.phase);
    byId("phase").dataset.phase = told?.kind ?? run.phase;
    document.title = `${told?.word ?? "running"} · ${run.plan.scenario} · load lab`;
    this.stopping.show(run);
  }

  results(run) {
    const { plan } = run;
    const link = byId("permalink");
    text(link, run.id);
    link.href = linkTo(run.id);
    const kind = `${plan.scenario} · ${plan.transport} · ${plan.workload}`;
    text(byId("run-name"), run.label ?? kind);
    const app = run.app === null ? null : appTold(run.app);
    text(byId("what"), [run.label && kind, app, run.where].filter(Boolean).join(" · "));
    text(byId("typed"), run.command ?? "");
    this.file.show(run);
    showVerdict(byId("verdict"), run);
    showTable(byId("table"), run);
    this.names.show(run);
    showChecks(byId("checks"), run);
    this.sweep.show(run);
  }

  charts() {
    clearTimeout(this.due.timer);
    this.due.timer = null;
    const run = this.known.shown();
    if (run === null || document.hidden) return;
    this.drawnAt = performance.now();
    this.time.show(run);
  }
}
