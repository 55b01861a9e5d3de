/**
 * Server-sent events, read by fetch: an EventSource can't send the token that the agent asks for.
 *
 * Like an EventSource it connects anew when the stream ends and says where it was (Last-Event-ID), so nothing is missed.
 */

import { Refusal, refusalOf, withToken } from "./api.js";

const AGAIN_MS = 1_000;

export class EventStream {
  /**
   * @param {string} path
   * @param {{opened: () => void, heard: () => void, told: (data: string) => void, broken: () => void, refused: (why: Refusal) => void}} on
   *   `heard` is called for anything that came, comments too; after `refused` nothing is tried again
   */
  constructor(path, on) {
    Object.assign(this, { path, on, isOpen: false, last: null, leaving: new AbortController() });
    this.keepReading();
  }

  close() {
    this.isOpen = false;
    this.leaving.abort();
  }

  async keepReading() {
    const left = this.leaving.signal;
    while (!left.aborted) {
      try {
        await this.read();
      } catch (error) {
        if (left.aborted) return;
        if (error instanceof Refusal) {
          this.isOpen = false;
          this.on.refused(error);
          return;
        }
      }
      if (left.aborted) return;
      this.isOpen = false;
      this.on.broken();
      await new Promise((resolve) => { setTimeout(resolve, AGAIN_MS); });
    }
  }

  /** Read to the stream's end. */
  async read() {
    const headers = withToken(this.last === null ? {} : { "Last-Event-ID": this.last });
    const reply = await fetch(this.path, { cache: "no-store", headers, signal: this.leaving.signal });
    if (!reply.ok) throw await refusalOf(reply);
    this.isOpen = true;
    this.on.opened();
    const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done || this.leaving.signal.aborted) return;
      this.on.heard();
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) this.take(block);
    }
  }

  take(block) {
    if (this.leaving.signal.aborted) return;
    for (const line of block.split("\n")) {
      if (line.startsWith("id: ")) this.last = line.slice(4);
      else if (line.startsWith("data: ")) this.on.told(line.slice(6));
    }
  }
}
