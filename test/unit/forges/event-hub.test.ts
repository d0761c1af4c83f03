import { describe, expect, test } from "vitest";
import { EventHub } from "../../../src/forges/event-hub.ts";
import type { ForgeEvent } from "../../../src/forges/forge.ts";
import { byHand, failureOf, quickClock } from "../../support/agent-half.ts";

const forever = new AbortController().signal;
const long = 15_000;

/** A watch whose events are sent by hand. */
function watchByHand() {
  const watches: { cursor: string | undefined; signal: AbortSignal }[] = [];
  let queue: (ForgeEvent | Error)[] = [];
  let arrived = byHand();
  let idle = byHand();
  const send = (one: ForgeEvent | Error) => {
    queue.push(one);
    arrived.resolve();
  };
  async function* watch(cursor: string | undefined, signal: AbortSignal) {
    watches.push({ cursor, signal });
    signal.addEventListener("abort", () => arrived.resolve());
    while (!signal.aborted) {
      idle.resolve();
      await arrived.promise;
      arrived = byHand();
      for (const one of queue.splice(0)) {
        if (one instanceof Error) throw one;
        yield one;
      }
    }
    queue = [];
  }
  /** Sends events; settles when the hub has taken them all. */
  const delivered = (...seqs: number[]) => {
    idle = byHand();
    for (const seq of seqs) send(event(seq));
    return idle.promise;
  };
  return { watches, send, delivered, event: (seq: number) => send(event(seq)), watch };
}

function event(seq: number): ForgeEvent {
  return { cursor: String(seq), kind: "run_finished", branchId: "1" };
}

describe("a subscription", () => {
  test("is woken once by what came before it waits, however much that was", async () => {
    const hand = watchByHand();
    const hub = new EventHub(hand, quickClock());
    const first = hub.subscribe();
    await hand.delivered(1, 2);
    expect(await first.next(forever, long)).toBe("event");
    expect(await first.next(forever, 0)).toBe("timeout");
    first.close();
  });

  test("is woken by what comes while it waits", async () => {
    const hand = watchByHand();
    const subscription = new EventHub(hand, quickClock()).subscribe();
    const waiting = subscription.next(forever, long);
    hand.event(1);
    expect(await waiting).toBe("event");
    subscription.close();
  });

  test("ends with its signal, before and while it waits", async () => {
    const subscription = new EventHub(watchByHand(), quickClock()).subscribe();
    const stop = new AbortController();
    const waiting = failureOf(subscription.next(stop.signal, long));
    stop.abort();
    expect(await waiting).toMatchObject({ code: "cancelled" });
    expect(await failureOf(subscription.next(stop.signal, long))).toMatchObject({
      code: "cancelled",
    });
    subscription.close();
  });
});

describe("the one stream", () => {
  test("serves however many, and ends with the last", async () => {
    const hand = watchByHand();
    const hub = new EventHub(hand, quickClock());
    const all = Array.from({ length: 20 }, () => hub.subscribe());
    const waiting = all.map((subscription) => subscription.next(forever, long));
    hand.event(1);
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(["event"]));
    expect(hand.watches).toHaveLength(1);
    for (const subscription of all.slice(1)) subscription.close();
    expect(hand.watches[0]?.signal.aborted).toBe(false);
    all[0]?.close();
    expect(hand.watches[0]?.signal.aborted).toBe(true);
  });

  test("begins anew, from now on, for who comes later", async () => {
    const hand = watchByHand();
    const hub = new EventHub(hand, quickClock());
    const first = hub.subscribe();
    hand.event(7);
    await first.next(forever, long);
    first.close();
    hub.subscribe().close();
    expect(hand.watches.map(({ cursor }) => cursor)).toEqual([undefined, undefined]);
  });

  test("that breaks for good wakes all, so that they see why, and goes on where it was", async () => {
    const hand = watchByHand();
    const subscription = new EventHub(hand, quickClock()).subscribe();
    hand.event(7);
    await subscription.next(forever, long);
    hand.send(new Error("refused"));
    expect(await subscription.next(forever, long)).toBe("event");
    hand.event(8);
    expect(await subscription.next(forever, long)).toBe("event");
    expect(hand.watches.map(({ cursor }) => cursor)).toEqual([undefined, "7"]);
    subscription.close();
  });
});
