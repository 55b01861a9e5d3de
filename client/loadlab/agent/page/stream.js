/**
 * The agent's one stream of events over all runs, and whether it can be trusted to be up to date.
 *
 * A stream connects anew by itself. What it does not notice is an agent that is silent on an open connection. So after
 * some silence the agent is asked directly.
 */

import { answers } from "./api.js";
import { EventStream } from "./events.js";

const SILENCE_MS = 4_000;
const PROBE_MS = 3_000;
const AGAIN_MS = 1_000;
const LONG_SILENCE_MS = 15_000;
const HIDDEN_MS = 20_000;

/**
 * Follow the agent for as long as the page is open.
 * @param {(event: Object) => void} tell an event of events.py, with its `type`
 * @param {(state: "live"|"lost", why: ?string) => void} connection told on each change; "live" also after each
 *   reconnection, "lost" also when the agent has said why
 * @param {() => void} unknown told when the agent asks for a token that this page does not have
 * @param {() => boolean} busy whether a run should be telling something
 * @returns {() => void} connects anew, which is needed once there is a token
 */
export function follow(tell, connection, unknown, busy) {
  let source = null;
  let heard = Date.now();
  let state = null;
  let reason = null;

  const become = (next, always, why = null) => {
    if (state === next && !always) return;
    state = next;
    reason = why;
    connection(next, why);
  };

  const open = () => {
    source?.close();
    heard = Date.now();
    const mine = new EventStream("/api/events", {
      opened: () => become("live", true),
      heard: () => { heard = Date.now(); },
      told: (data) => {
        become("live", false);
        tell(JSON.parse(data));
      },
      broken: () => become("lost", false),
      refused: (refusal) => {
        if (source !== mine) return;
        if (refusal.message !== reason) become("lost", true, refusal.message);
        if (refusal.status === 401) unknown();
        else setTimeout(() => { if (source === mine) open(); }, AGAIN_MS);
      },
    });
    source = mine;
  };

  // A browser has six connections to a host. A page that is left, kept for the way back or out of sight holds none, or
  // the seventh would wait for ever.
  const release = () => {
    source?.close();
    source = null;
  };
  addEventListener("pagehide", release);
  addEventListener("pageshow", () => { if (source === null) open(); });
  let leaving = null;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(leaving);
    if (document.hidden) leaving = setTimeout(release, HIDDEN_MS);
    else if (source === null) open();
  });

  const look = async () => {
    const silent = Date.now() - heard;
    if (source?.isOpen && silent > SILENCE_MS) {
      const alive = await answers(PROBE_MS);
      if (source?.isOpen) {
        become(alive ? "live" : "lost", alive && state === "lost");
        if (alive && busy() && Date.now() - heard > LONG_SILENCE_MS) open();
      }
    }
    setTimeout(look, AGAIN_MS);
  };

  open();
  look();
  return open;
}
