/**
 * The live page of a load lab.
 *
 * One stream tells everything about the latest run, wherever it was started; `Run` folds it, and what is shown is drawn
 * from the run alone. So a page that was reloaded, came late or lost its connection shows what one shows that was
 * there from the beginning, but for how fine the curves of stages long past are.
 */

import { Drawing } from "./drawing.js";
import { Form } from "./form.js";
import { Known } from "./known.js";
import { Listening } from "./listening.js";
import { wanted } from "./route.js";
import { Runs } from "./runs.js";
import { Showing } from "./showing.js";
import { Stopping } from "./stopping.js";
import { follow } from "./stream.js";
import { onChange } from "./theme.js";
import { takeFromAddress } from "./token.js";

const known = new Known();
const form = new Form((runId) => showing.started(runId), () => connect());
const drawing = new Drawing(known, new Stopping(known, form));
const runs = new Runs();
const showing = new Showing(known, drawing, runs, form);
const listening = new Listening(known, showing, drawing, runs, form);

addEventListener("hashchange", () => {
  if (takeFromAddress()) connect();
  showing.choose();
});
document.addEventListener("visibilitychange", () => { if (!document.hidden) drawing.draw(true); });
onChange(() => drawing.paint());

takeFromAddress();
showing.empty(wanted() === null ? null : "Opening the run …");
const connect = follow(
  (event) => listening.tell(event),
  (state, why) => listening.connected(state, why),
  () => form.askForTokenAnew(),
  () => known.isGoing(),
);
