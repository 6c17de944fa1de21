import { test } from "uvu";
import * as assert from "uvu/assert";
import { accountsFrom, sameRights } from "../../../firmware/presence/accounts.ts";
import { holderIn } from "../../../firmware/presence/legs.ts";

const entry = {
  ...{ user: "alice", password: "secret of alice", talkgroups: ["ops", "fire"], standing: [], listenOnly: [] },
  ...{ dispatcher: ["fire"], noPreempt: [], emergency: ["ops"], priority: 0, digest: ["SHA-256"] as const },
};

function alice(change: Partial<typeof entry> = {}) {
  const found = accountsFrom([{ ...entry, ...change }], "example.org").find("alice");
  if (!found) throw new Error("no alice");
  return found;
}

test("who may call an emergency and who may end one is told of each talkgroup by itself", () => {
  const rightsIn = (talkgroup: string) => {
    const { mayRaise = false, mayCalm = false } = holderIn(alice(), talkgroup);
    return { mayRaise, mayCalm };
  };
  assert.equal(rightsIn("ops"), { mayRaise: true, mayCalm: false });
  assert.equal(rightsIn("fire"), { mayRaise: false, mayCalm: true });
});

test("who may call an emergency from now on needs another session for it, and who becomes a dispatcher keeps theirs", () => {
  assert.not(sameRights(alice(), alice({ emergency: [] }), "ops"));
  assert.ok(sameRights(alice(), alice({ emergency: [] }), "fire"));
  assert.ok(sameRights(alice(), alice({ dispatcher: ["ops", "fire"] }), "ops"));
});

test.run();
