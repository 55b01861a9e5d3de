/**
 * The agent's one stream of events over all runs, and whether it can be trusted to be up to date.
 *
 * The browser's EventSource reconnects by itself and says where it was (Last-Event-ID), so nothing is missed. What
 * it does not notice is an agent that is silent on an open connection: the keep-alive comments are invisible here.
 * So after some silence the agent is asked directly. Nor does it give the answer of an agent that refuses the stream,
 * which has enough followers: that is asked for, too.
 */

import { answers, whyNoEvents } from "./api.js";

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
 * @param {() => boolean} busy whether a run should be telling something
 */
export function follow(tell, connection, busy) {
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
    const mine = new EventSource("/api/events");
    source = mine;
    source.onopen = () => {
      heard = Date.now();
      become("live", true);
    };
    source.onmessage = (message) => {
      heard = Date.now();
      become("live", false);
      tell(JSON.parse(message.data));
    };
    source.onerror = () => {
      become("lost", false);
      // Any answer but a stream ends an EventSource for good.
      if (mine.readyState === EventSource.CLOSED) explain(mine);
    };
  };

  const explain = async (mine) => {
    const why = await whyNoEvents();
    if (source !== mine) return;
    if (why !== reason) become("lost", true, why);
    setTimeout(() => { if (source === mine) open(); }, AGAIN_MS);
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
    if (source?.readyState === EventSource.OPEN && silent > SILENCE_MS) {
      const alive = await answers(PROBE_MS);
      if (source?.readyState === EventSource.OPEN) {
        become(alive ? "live" : "lost", alive && state === "lost");
        if (alive && busy() && Date.now() - heard > LONG_SILENCE_MS) open();
      }
    }
    setTimeout(look, AGAIN_MS);
  };

  open();
  look();
}
