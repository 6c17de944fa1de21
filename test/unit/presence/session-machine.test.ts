import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Expiry } from "../../../firmware/machine.ts";
import {
  initialSession,
  type SessionDeed,
  type SessionFailure,
  type SessionInput,
  type SessionState,
  type SessionTimer,
  sessionMachine,
} from "../../../firmware/presence/session-machine.ts";
import { backoff } from "../../../firmware/sip/backoff.ts";

/** Every state against every event. One that is missing here does not compile. */
type Where = SessionState["in"] | "doubted";
type What = Exclude<SessionInput["type"], "failed"> | SessionFailure | `${SessionTimer} expiry`;
type Step = ReturnType<typeof sessionMachine>;

const states: Readonly<Record<Where, SessionState>> = {
  provisioning: { in: "provisioning", failures: 1 },
  inviting: { in: "inviting", failures: 1 },
  joining: { in: "joining", failures: 1 },
  standing: { in: "standing", reachable: true, doubted: false },
  doubted: { in: "standing", reachable: true, doubted: true },
  waiting: { in: "waiting", failures: 1 },
  "out-of-reach": { in: "out-of-reach" },
  ended: { in: "ended" },
};
const failed = (cause: SessionFailure): SessionInput => ({ type: "failed", cause, fraction: 0.25 });
const events: Readonly<Record<What, SessionInput | Expiry<SessionTimer>>> = {
  start: { type: "start" },
  renewed: { type: "renewed" },
  known: { type: "known" },
  unknown: { type: "unknown" },
  offer: { type: "offer", sdp: "the offer" },
  answer: { type: "answer", sdp: "the answer" },
  ready: { type: "ready" },
  refused: failed("refused"),
  "hung-up": failed("hung-up"),
  lost: failed("lost"),
  cut: { type: "cut" },
  reached: { type: "reached" },
  end: { type: "end" },
  "answer expiry": { type: "expiry", timer: "answer" },
  "retry expiry": { type: "expiry", timer: "retry" },
};

const stays = "stays";
const down: readonly SessionDeed[] = [{ do: "down" }];

function begins(failures: number, before: readonly SessionDeed[] = []): Step {
  return [
    { in: "provisioning", failures },
    [...before, { do: "clear" }, { stop: "retry" }, { do: "provision" }, { start: "answer", ms: 5_000 }],
  ];
}

function waits(failures: number, fraction = 0.25, before: readonly SessionDeed[] = []): Step {
  const ms = backoff(failures, fraction);
  return [{ in: "waiting", failures }, [...before, { do: "clear" }, { stop: "answer" }, { start: "retry", ms }]];
}

function ends(before: readonly SessionDeed[] = []): Step {
  return [{ in: "ended" }, [{ stop: "answer" }, { stop: "retry" }, ...before, { do: "clear" }]];
}

function loses(before: readonly SessionDeed[] = []): Step {
  return [{ in: "out-of-reach" }, [...before, { do: "clear" }, { stop: "answer" }, { stop: "retry" }]];
}

/** While something is asked for, a failure is one more, and a hang-up is as good as four. */
const failing = {
  start: begins(0),
  renewed: begins(0),
  known: stays,
  unknown: stays,
  refused: waits(2),
  "hung-up": waits(4),
  lost: waits(2),
  cut: loses(),
  reached: stays,
  end: ends(),
  "answer expiry": waits(2, 0.5),
  "retry expiry": stays,
} as const;

const standing = {
  start: begins(0, down),
  offer: stays,
  answer: stays,
  ready: stays,
  refused: waits(1, 0.25, down),
  "hung-up": waits(4, 0.25, down),
  lost: waits(1, 0.25, down),
  reached: stays,
  end: ends(down),
  "retry expiry": stays,
} as const;

const table: Readonly<Record<Where, Readonly<Record<What, typeof stays | Step>>>> = {
  provisioning: {
    ...failing,
    offer: [
      { in: "inviting", failures: 1 },
      [
        { do: "invite", sdp: "the offer" },
        { start: "answer", ms: 30_000 },
      ],
    ],
    answer: stays,
    ready: stays,
  },
  inviting: {
    ...failing,
    offer: stays,
    answer: [
      { in: "joining", failures: 1 },
      [
        { do: "join", sdp: "the answer" },
        { start: "answer", ms: 5_000 },
      ],
    ],
    ready: stays,
  },
  joining: {
    ...failing,
    offer: stays,
    answer: stays,
    ready: [{ in: "standing", reachable: true, doubted: false }, [{ stop: "answer" }, { do: "up" }]],
  },
  standing: {
    ...standing,
    renewed: [{ in: "standing", reachable: true, doubted: true }, [{ do: "ask" }, { start: "answer", ms: 4_000 }]],
    known: stays,
    unknown: stays,
    cut: [{ in: "standing", reachable: false, doubted: false }, []],
    "answer expiry": stays,
  },
  doubted: {
    ...standing,
    renewed: stays,
    known: [{ in: "standing", reachable: true, doubted: false }, [{ stop: "answer" }]],
    unknown: begins(0, down),
    cut: [{ in: "standing", reachable: false, doubted: false }, [{ stop: "answer" }]],
    "answer expiry": begins(0, down),
  },
  waiting: {
    start: begins(0),
    renewed: begins(0),
    known: stays,
    unknown: stays,
    offer: stays,
    answer: stays,
    ready: stays,
    refused: stays,
    "hung-up": stays,
    lost: stays,
    cut: loses(),
    reached: stays,
    end: ends(),
    "answer expiry": stays,
    "retry expiry": begins(1),
  },
  "out-of-reach": {
    start: begins(0),
    renewed: begins(0),
    known: stays,
    unknown: stays,
    offer: stays,
    answer: stays,
    ready: stays,
    refused: stays,
    "hung-up": stays,
    lost: stays,
    cut: stays,
    reached: begins(0),
    end: ends(),
    "answer expiry": stays,
    "retry expiry": stays,
  },
  ended: {
    start: stays,
    renewed: stays,
    known: stays,
    unknown: stays,
    offer: stays,
    answer: stays,
    ready: stays,
    refused: stays,
    "hung-up": stays,
    lost: stays,
    cut: stays,
    reached: stays,
    end: stays,
    "answer expiry": stays,
    "retry expiry": stays,
  },
};

for (const where of Object.keys(states) as Where[])
  test(`what a session does that is ${where}, whatever happens`, () => {
    for (const what of Object.keys(events) as What[]) {
      const expected = table[where][what];
      const step = sessionMachine(states[where], events[what]);
      assert.equal(step, expected === stays ? [states[where], []] : expected, `${where}, ${what}`);
    }
  });

test("a session that stands while its terminal is out of reach is not set up again before that is back", () => {
  const cut: SessionState = { in: "standing", reachable: false, doubted: false };
  for (const what of ["refused", "hung-up", "lost"] as const)
    assert.equal(sessionMachine(cut, events[what]), loses(down), what);
  assert.equal(sessionMachine(cut, events.reached), [states.standing, []]);
  assert.equal(sessionMachine(cut, events.start), begins(0, down));
  assert.equal(sessionMachine(cut, events.end), ends(down));
});

test("a session begins where it is set up", () => {
  assert.equal(sessionMachine(initialSession, events.start), begins(0));
});

test("somebody who hung up after many failures is not asked sooner for it", () => {
  assert.equal(sessionMachine({ in: "inviting", failures: 6 }, events["hung-up"]), waits(6));
});

test.run();
