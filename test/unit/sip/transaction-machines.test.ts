import { test } from "uvu";
import * as assert from "uvu/assert";
import type { SipResponse } from "../../../firmware/sip/message.ts";
import { inviteClient } from "../../../firmware/sip/transaction-invite-client.ts";
import { inviteServer } from "../../../firmware/sip/transaction-invite-server.ts";
import { nonInviteClient } from "../../../firmware/sip/transaction-non-invite-client.ts";
import { nonInviteServer } from "../../../firmware/sip/transaction-non-invite-server.ts";

const data = new Uint8Array([1]);
const older = new Uint8Array([2]);
const response = (status: number): SipResponse => ({ kind: "response", status, reason: "", headers: [], body: data });
const heard = (status: number) => ({ type: "response", response: response(status) }) as const;
const respond = (status: number) => ({ type: "respond", status, data }) as const;
const expiry = <Timer extends string>(timer: Timer) => ({ type: "expiry", timer }) as const;

/** Effects as words: "send", "start timerA 500", "pass 180". */
function words(effects: readonly object[]): string {
  return effects
    .map((effect) => {
      if ("start" in effect && "ms" in effect) return `start ${effect.start} ${effect.ms}`;
      if ("stop" in effect) return `stop ${effect.stop}`;
      if (!("do" in effect)) return "?";
      if ("response" in effect) return `${effect.do} ${(effect.response as SipResponse).status}`;
      if ("status" in effect) return `${effect.do} ${effect.status}`;
      if ("data" in effect) return `${effect.do} ${effect.data === older ? "older" : "it"}`;
      return `${effect.do}`;
    })
    .join(", ");
}

type Row<State, Event> = readonly [from: State, event: Event, to: State, effects: string];

function table<State extends { readonly in: string }, Event extends object>(
  name: string,
  machine: (state: State, event: Event) => readonly [State, readonly object[]],
  states: readonly State[],
  events: readonly Event[],
  rows: readonly Row<State, Event>[],
): void {
  test(`${name}: every state and event does what its row says, and without a row nothing`, () => {
    for (const state of states)
      for (const event of events) {
        const row = rows.find(([from, on]) => from === state && on === event);
        const [to, effects] = machine(state, event);
        const label = `${state.in}: ${JSON.stringify(event)}`;
        assert.equal(to, row?.[2] ?? state, label);
        assert.is(words(effects), row?.[3] ?? "", label);
      }
    for (const [from, on] of rows) assert.ok(states.includes(from) && events.includes(on), "a row beside the table");
  });
}

const start = { type: "start" } as const;
const broken = { type: "transport-error" } as const;
const initial = { in: "initial" } as const;
const proceeding = { in: "proceeding" } as const;
const accepted = { in: "accepted" } as const;
const confirmed = { in: "confirmed" } as const;
const terminated = { in: "terminated" } as const;

for (const reliable of [false, true]) {
  const over = reliable ? "reliable" : "unreliable";
  const unless = (text: string) => (reliable ? "" : text);
  const r180 = heard(180);
  const r200 = heard(200);
  const r486 = heard(486);
  const ringing = respond(180);
  const ok = respond(200);
  const busy = respond(486);
  const challenge = respond(401);
  const again = { type: "request" } as const;
  const ack = { type: "ack" } as const;

  {
    // RFC 3261 §17.1.1.2, figure 5; RFC 6026 §8.4, figure 7
    const calling = { in: "calling", interval: 500 } as const;
    const completed = { in: "completed" } as const;
    const [a, b, d, m] = [expiry("timerA"), expiry("timerB"), expiry("timerD"), expiry("timerM")];
    const cancelled = { type: "cancelled" } as const;
    const unheard = expiry("timerCancelled");
    const settle = "stop timerA, stop timerB";
    const refused = `${settle}, start timerD ${reliable ? 0 : 32_000}, acknowledge 486, pass 486`;
    table(
      `INVITE client, ${over}`,
      inviteClient(reliable),
      [initial, calling, proceeding, accepted, completed, terminated],
      [start, r180, r200, r486, cancelled, broken, a, b, d, m, unheard],
      [
        [initial, start, calling, `start timerB 32000, ${unless("start timerA 500, ")}send`],
        [calling, a, { in: "calling", interval: 1_000 }, "send, start timerA 1000"],
        [calling, b, terminated, "forget, fail 408"],
        [calling, broken, terminated, "forget, fail 503"],
        [calling, r180, proceeding, `${settle}, pass 180`],
        [calling, r200, accepted, `${settle}, start timerM 32000, pass 200`],
        [calling, r486, completed, refused],
        [calling, cancelled, calling, "start timerCancelled 32000"],
        [calling, unheard, terminated, "forget, fail 408"],
        [proceeding, cancelled, proceeding, "start timerCancelled 32000"],
        [proceeding, unheard, terminated, "forget, fail 408"],
        [proceeding, broken, terminated, "forget, fail 503"],
        [proceeding, r180, proceeding, `${settle}, pass 180`],
        [proceeding, r200, accepted, `${settle}, start timerM 32000, pass 200`],
        [proceeding, r486, completed, refused],
        [accepted, r200, accepted, "pass 200"],
        [accepted, m, terminated, "forget"],
        [completed, r486, completed, "acknowledge 486"],
        [completed, d, terminated, "forget"],
        [completed, broken, terminated, "forget"],
      ],
    );
  }

  {
    // RFC 3261 §17.1.2.2, figure 6
    const trying = { in: "trying", interval: 2_500 } as const;
    const first = { in: "trying", interval: 500 } as const;
    const completed = { in: "completed" } as const;
    const [e, f, k] = [expiry("timerE"), expiry("timerF"), expiry("timerK")];
    const settle = `stop timerE, stop timerF, start timerK ${reliable ? 0 : 5_000}`;
    const answers = (from: typeof first | typeof trying | typeof proceeding) =>
      [
        [from, f, terminated, "forget, fail 408"],
        [from, broken, terminated, "forget, fail 503"],
        [from, r180, proceeding, "pass 180"],
        [from, r200, completed, `${settle}, pass 200`],
        [from, r486, completed, `${settle}, pass 486`],
      ] as const;
    table(
      `non-INVITE client, ${over}`,
      nonInviteClient(reliable),
      [initial, first, trying, proceeding, completed, terminated],
      [start, r180, r200, r486, broken, e, f, k],
      [
        [initial, start, first, `start timerF 32000, ${unless("start timerE 500, ")}send`],
        ...answers(first),
        ...answers(trying),
        ...answers(proceeding),
        [first, e, { in: "trying", interval: 1_000 }, "send, start timerE 1000"],
        [trying, e, { in: "trying", interval: 4_000 }, "send, start timerE 4000"],
        [proceeding, e, proceeding, "send, start timerE 4000"],
        [completed, k, terminated, "forget"],
      ],
    );
  }

  {
    // RFC 3261 §17.2.1, figure 7; RFC 6026 §8.2, figure 5
    const rung = { in: "proceeding", last: older } as const;
    const completed = { in: "completed", final: older, interval: 2_500 } as const;
    const [g, h, i, l, t] = ["timerG", "timerH", "timerI", "timerL", "timerTrying"].map((timer) =>
      expiry(timer as "timerG"),
    );
    assert.ok(g && h && i && l && t);
    const answers = (from: typeof proceeding | typeof rung) =>
      [
        [from, ringing, { in: "proceeding", last: data }, "stop timerTrying, send it"],
        [from, ok, accepted, "stop timerTrying, start timerL 32000, send it"],
        [
          from,
          busy,
          { in: "completed", final: data, interval: 500 },
          // A caller that has heard nothing repeats its INVITE by itself.
          `stop timerTrying, start timerH 32000, ${from === rung ? unless("start timerG 500, ") : ""}send it`,
        ],
        [
          from,
          challenge,
          { in: "completed", final: data, interval: 500 },
          "stop timerTrying, start timerH 32000, send it",
        ],
        [from, broken, terminated, "forget"],
      ] as const;
    table(
      `INVITE server, ${over}`,
      inviteServer(reliable),
      [initial, proceeding, rung, accepted, completed, confirmed, terminated],
      [start, again, ack, ringing, ok, busy, challenge, broken, g, h, i, l, t],
      [
        [initial, start, proceeding, "start timerTrying 200"],
        ...answers(proceeding),
        ...answers(rung),
        [proceeding, t, proceeding, "trying"],
        [rung, again, rung, "send older"],
        [accepted, ok, accepted, "send it"],
        [accepted, l, terminated, "forget"],
        [completed, again, completed, "send older"],
        [completed, ack, confirmed, `stop timerG, stop timerH, start timerI ${reliable ? 0 : 5_000}`],
        [completed, g, { ...completed, interval: 4_000 }, "send older, start timerG 4000"],
        [completed, h, terminated, "forget"],
        [completed, broken, terminated, "forget"],
        [confirmed, i, terminated, "forget"],
      ],
    );
  }

  // Over any transport.
  if (!reliable) {
    // RFC 3261 §17.2.2, figure 8 up to "Completed"; RFC 4320 §4.2
    const trying = { in: "trying" } as const;
    const rung = { in: "proceeding", last: older } as const;
    const abandoned = expiry("timerAbandoned");
    const answers = (from: typeof trying | typeof rung) =>
      [
        [from, ringing, { in: "proceeding", last: data }, "send it"],
        [from, ok, terminated, "stop timerAbandoned, send it, forget"],
        [from, busy, terminated, "stop timerAbandoned, send it, forget"],
        [from, broken, terminated, "forget"],
        [from, abandoned, terminated, "forget"],
      ] as const;
    table(
      "non-INVITE server",
      nonInviteServer,
      [initial, trying, rung, terminated],
      [start, again, ack, ringing, ok, busy, broken, abandoned],
      [
        [initial, start, trying, "start timerAbandoned 32000"],
        ...answers(trying),
        ...answers(rung),
        [rung, again, rung, "send older"],
      ],
    );
  }
}

test.run();
