import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  type CallDeed,
  type CallInput,
  type CallState,
  callMachine,
  initialCall,
} from "../../../firmware/presence/call-machine.ts";

/** What is done about each of these, in a call of so many. */
function told(members: number, ...inputs: readonly CallInput[]): string[] {
  let state: CallState = initialCall(members);
  return inputs.map((input) => {
    const [next, effects] = callMachine(state, input);
    state = next;
    return effects.map((effect) => ("do" in effect ? wordsOf(effect) : "a timer")).join(", ");
  });
}

function wordsOf(deed: CallDeed): string {
  switch (deed.do) {
    case "refuse":
      return `refuse ${deed.refusal.status}`;
    case "dismiss":
      return `dismiss ${deed.member}`;
    default:
      return deed.do;
  }
}

const there = (member: number): CallInput => ({ type: "there", member });
const gone = (member: number, status?: number): CallInput => ({
  type: "gone",
  member,
  ...(status !== undefined && { refusal: { status } }),
});
const ringing: CallInput = { type: "ringing" };
const end: CallInput = { type: "end" };

test("a private call stands when both are there, in whatever order they come, and ends with either of them", () => {
  assert.equal(told(2, there(0), ringing, there(1), gone(1)), ["", "ring", "answer", "dismiss 0, close"]);
  assert.equal(told(2, there(1), there(0), gone(0)), ["", "answer", "dismiss 1, close"]);
  assert.equal(told(2, there(0), there(1), end), ["", "answer", "dismiss 0, dismiss 1, close"]);
});

test("a callee who does not come is why the caller is refused", () => {
  assert.equal(told(2, there(0), gone(1, 486)), ["", "refuse 486, close"]);
  assert.equal(told(2, gone(1, 486), there(0)), ["refuse 486, close", ""]);
  assert.equal(told(2, there(0), gone(1)), ["", "refuse 480, close"]);
});

test("a caller who gives up, or does not come, stops the ringing; why is told to whoever follows the call", () => {
  assert.equal(told(2, there(0), ringing, gone(0, 487)), ["", "ring", "refuse 487, dismiss 1, close"]);
  assert.equal(told(2, gone(0), there(1)), ["refuse 480, dismiss 1, close", ""]);
});

test("an ad hoc group stands with the first who comes, and goes on for as long as two are in it", () => {
  assert.equal(told(4, there(0), gone(1, 486), there(2), there(3)), ["", "", "answer", ""]);
  assert.equal(told(3, there(0), there(1), there(2), gone(0), gone(2)), ["", "answer", "", "", "dismiss 1, close"]);
  assert.equal(told(3, there(0), gone(1, 486), gone(2, 480)), ["", "", "refuse 486, close"]);
  assert.equal(told(3, there(0), there(1), gone(0)), ["", "answer", ""], "the third still rings");
  assert.equal(told(3, there(0), there(1), gone(1)), ["", "answer", ""]);
  const allLeave = told(4, there(0), there(1), gone(0), gone(1));
  assert.equal(allLeave, ["", "answer", "", "dismiss 2, dismiss 3, close"], "nobody rings for those who have left");
});

test("nobody rings for a call that stands, and nothing is done twice", () => {
  assert.equal(told(2, there(0), there(1), ringing, there(1)), ["", "answer", "", ""]);
  assert.equal(told(2, gone(1), gone(1), gone(0), there(0), ringing, end), ["refuse 480, close", "", "", "", "", ""]);
});

test.run();
