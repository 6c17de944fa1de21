import { test } from "uvu";
import * as assert from "uvu/assert";
import { readConfig } from "../../firmware/config.ts";

/** A file whose talkgroup has these settings. */
const file = (settings: string): string => `
site: north
realm: crew.example
sip: { host: 127.0.0.1, port: 5060 }
media: { host: 127.0.0.1, ports: 20000-29999 }
board: simulated
accounts:
  - { user: alice, password: "choose one", talkgroups: [ops] }
talkgroups:
  - { name: ops, ${settings} }
`;

function faults(settings: string): string[] {
  const read = readConfig(file(settings), "c.yaml");
  return "faults" in read ? read.faults.map(({ path, message }) => `${path}: ${message}`) : [];
}

test("in a talkgroup everybody may talk at once, and then there is no floor to wait for, or to keep for one", () => {
  const read = readConfig(file("mixing: true"), "c.yaml");
  assert.equal("config" in read && read.config.talkgroups.map(({ mixing }) => mixing), [true]);
  for (const more of ["queueing: true", "broadcast: true"])
    assert.match(faults(`mixing: true, ${more}`).join(), /^c\.yaml: talkgroups\.0\.mixing: everybody talks at once/);
  assert.equal(faults("mixing: loud"), ["c.yaml: talkgroups.0.mixing: expected true or false"]);
  assert.equal(faults("mixing: false, queueing: true"), []);
});

test.run();
