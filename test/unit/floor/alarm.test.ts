import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  type AlarmEvent,
  type AlarmState,
  type AlarmTimer,
  alarm,
  alarmInitial,
} from "../../../firmware/floor/alarm.ts";
import type { Expiry } from "../../../firmware/machine.ts";

/** Every state against every event; one that is missing here does not compile. */
type Where = "normal" | "just ended" | "peril, by a" | "emergency, by a and b" | "emergency, by nobody known";
type What =
  | "emergency by a"
  | "emergency by c"
  | "peril by a"
  | "nothing by a"
  | "heard emergency"
  | "heard peril"
  | "heard normal"
  | "calm by a"
  | "calm by c"
  | "calm"
  | AlarmTimer;

const states: Readonly<Record<Where, AlarmState>> = {
  normal: alarmInitial,
  "just ended": { ...alarmInitial, ended: true },
  "peril, by a": { urgency: "imminent-peril", by: ["a"] },
  "emergency, by a and b": { urgency: "emergency", by: ["a", "b"] },
  "emergency, by nobody known": { urgency: "emergency", by: [] },
};
const events: Readonly<Record<What, AlarmEvent | Expiry<AlarmTimer>>> = {
  "emergency by a": { type: "raise", urgency: "emergency", by: "a" },
  "emergency by c": { type: "raise", urgency: "emergency", by: "c" },
  "peril by a": { type: "raise", urgency: "imminent-peril", by: "a" },
  "nothing by a": { type: "raise", urgency: "normal", by: "a" },
  "heard emergency": { type: "heard", urgency: "emergency" },
  "heard peril": { type: "heard", urgency: "imminent-peril" },
  "heard normal": { type: "heard", urgency: "normal" },
  "calm by a": { type: "calm", by: "a" },
  "calm by c": { type: "calm", by: "c" },
  calm: { type: "calm" },
  lapse: { type: "expiry", timer: "lapse" },
  recall: { type: "expiry", timer: "recall" },
  late: { type: "expiry", timer: "late" },
};

function outcome(state: AlarmState, event: AlarmEvent | Expiry<AlarmTimer>): string {
  const [{ urgency, by, ended }, effects] = alarm(60_000)(state, event);
  const words = effects.map((effect) =>
    "start" in effect ? `+${effect.start}` : "stop" in effect ? `-${effect.stop}` : effect.do,
  );
  return [[urgency, ...by, ...(ended ? ["ended"] : [])].join(" "), ...words].join(", ");
}

const table: Readonly<Record<Where, Readonly<Record<What, string>>>> = {
  normal: {
    "emergency by a": "emergency a, +lapse, tell",
    "emergency by c": "emergency c, +lapse, tell",
    "peril by a": "imminent-peril a, +lapse, tell",
    "nothing by a": "normal",
    "heard emergency": "emergency, +lapse, tell",
    "heard peril": "imminent-peril, +lapse, tell",
    "heard normal": "normal",
    "calm by a": "normal",
    "calm by c": "normal",
    calm: "normal",
    lapse: "normal",
    recall: "normal",
    late: "normal",
  },
  "just ended": {
    "emergency by a": "emergency a, +lapse, tell",
    "emergency by c": "emergency c, +lapse, tell",
    "peril by a": "imminent-peril a, +lapse, tell",
    "nothing by a": "normal ended",
    "heard emergency": "normal ended",
    "heard peril": "normal ended",
    "heard normal": "normal ended",
    "calm by a": "normal ended",
    "calm by c": "normal ended",
    calm: "normal ended",
    lapse: "normal ended",
    recall: "normal ended",
    late: "normal",
  },
  "peril, by a": {
    "emergency by a": "emergency a, +lapse, tell",
    "emergency by c": "emergency a c, +lapse, tell",
    "peril by a": "imminent-peril a, +lapse",
    "nothing by a": "imminent-peril a",
    "heard emergency": "emergency a, +lapse, tell",
    "heard peril": "imminent-peril a, +lapse, -recall",
    "heard normal": "imminent-peril a, +recall",
    "calm by a": "normal ended, -lapse, -recall, +late, tell, announce",
    "calm by c": "imminent-peril a, announce",
    calm: "normal ended, -lapse, -recall, +late, tell, announce",
    lapse: "normal ended, -lapse, -recall, +late, lapse, tell, announce",
    recall: "imminent-peril a, announce",
    late: "imminent-peril a",
  },
  "emergency, by a and b": {
    "emergency by a": "emergency a b, +lapse",
    "emergency by c": "emergency a b c, +lapse",
    "peril by a": "emergency a b, +lapse",
    "nothing by a": "emergency a b",
    "heard emergency": "emergency a b, +lapse, -recall",
    "heard peril": "emergency a b, +recall",
    "heard normal": "emergency a b, +recall",
    "calm by a": "emergency b, announce",
    "calm by c": "emergency a b, announce",
    calm: "normal ended, -lapse, -recall, +late, tell, announce",
    lapse: "normal ended, -lapse, -recall, +late, lapse, tell, announce",
    recall: "emergency a b, announce",
    late: "emergency a b",
  },
  "emergency, by nobody known": {
    "emergency by a": "emergency a, +lapse",
    "emergency by c": "emergency c, +lapse",
    "peril by a": "emergency a, +lapse",
    "nothing by a": "emergency",
    "heard emergency": "emergency, +lapse, -recall",
    "heard peril": "emergency, +recall",
    "heard normal": "emergency, +recall",
    "calm by a": "normal ended, -lapse, -recall, +late, tell, announce",
    "calm by c": "normal ended, -lapse, -recall, +late, tell, announce",
    calm: "normal ended, -lapse, -recall, +late, tell, announce",
    lapse: "normal ended, -lapse, -recall, +late, lapse, tell, announce",
    recall: "emergency, announce",
    late: "emergency",
  },
};

for (const where of Object.keys(table) as Where[])
  test(`every event while the call is ${where}`, () => {
    for (const what of Object.keys(events) as What[])
      assert.is(outcome(states[where], events[what]), table[where][what], `${what} while ${where}`);
  });

test("no more than 32 are remembered, however many call", () => {
  let state = alarmInitial;
  for (let count = 0; count < 100; count++)
    [state] = alarm(0)(state, { type: "raise", urgency: "emergency", by: `user${count}` });
  assert.is(state.by.length, 32);
});

test.run();
