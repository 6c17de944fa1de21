import { test } from "uvu";
import * as assert from "uvu/assert";
import { changed, config, refuses } from "../support/config-file.ts";

test("times of a talkgroup are seconds within reason", () => {
  const [, second] = config(
    changed([
      "name: all",
      "name: all, endOfMediaSeconds: 0.5, graceSeconds: 0, talkSeconds: 3600, hangSeconds: 1.2345",
    ]),
  ).talkgroups;
  assert.equal(second, {
    name: "all",
    endOfMediaMs: 500,
    talkMs: 3_600_000,
    graceMs: 0,
    hangMs: 1_235,
    talkWarningMs: 5_000,
    emergencyMs: 3_600_000,
  });
  refuses([
    [
      "name: all",
      "name: all, endOfMediaSeconds: 0",
      "c.yaml: talkgroups.1.endOfMediaSeconds: expected 0.5 to 60 seconds",
    ],
    ["name: all", "name: all, graceSeconds: -1", "c.yaml: talkgroups.1.graceSeconds: expected 0 to 60 seconds"],
    ["name: all", "name: all, talkSeconds: 3601", "c.yaml: talkgroups.1.talkSeconds: expected 1 to 3600 seconds"],
    ["name: all", "name: all, hangSeconds: .nan", "c.yaml: talkgroups.1.hangSeconds: expected 0 to 3600 seconds"],
    ["name: all", "name: all, talkSeconds: long", "c.yaml: talkgroups.1.talkSeconds: expected 1 to 3600 seconds"],
  ]);
});

test("a talkgroup in which everybody talks at once has no floor to wait for", () => {
  const [, second] = config(changed(["name: all", "name: all, mixing: true"])).talkgroups;
  assert.is(second?.mixing, true);
  const fault = /^c\.yaml: talkgroups\.1\.mixing: everybody talks at once/;
  refuses([
    ["name: all", "name: all, mixing: true, queueing: true", fault],
    ["name: all", "name: all, mixing: true, broadcast: true", fault],
    ["name: all", "name: all, mixing: loud", "c.yaml: talkgroups.1.mixing: expected true or false"],
  ]);
});

test.run();
