import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { silent } from "../../firmware/log.ts";
import { openEndpoint } from "../../firmware/sip/endpoint.ts";
import { monotonicClock } from "../../hal/clock/monotonic.ts";
import { nodeNetwork } from "../../hal/network/node.ts";
import { cryptoRandom } from "../../hal/random/node.ts";
import { freePort } from "../support/free-port.ts";
import { program } from "../support/program.ts";
import { refusing } from "../support/sip-wire.ts";
import { projectRoot } from "../support/source.ts";

const main = join(projectRoot, "firmware/start.ts");

/** Resolves when a registration of the user is committed, which follows the answer to it by a moment. */
async function isKept(file: string, user: string): Promise<void> {
  const database = new DatabaseSync(file, { readOnly: true });
  const found = database.prepare("SELECT 1 FROM bindings WHERE user = ?");
  while (!found.get(user)) await new Promise((resolve) => setImmediate(resolve));
  database.close();
}

test("a user of the roger command registers with a gateway that runs, is there after it was killed, and goes when removed", async () => {
  const folder = mkdtempSync(join(tmpdir(), "roger-store-"));
  const config = join(folder, "north.yaml");
  const port = await freePort();
  const text = `
site: north
realm: crew.example
sip: { host: 127.0.0.1, port: ${port} }
media: { host: 127.0.0.1, ports: 20000-29999 }
board: simulated
store: north.db
accounts: []
talkgroups: []
`;
  writeFileSync(config, text, { mode: 0o600 });
  const run = () => program(process.execPath, [main, "run", "--config", config]);
  const roger = async (args: string): Promise<void> => {
    const child = spawn(process.execPath, [main, ...args.split(" "), "-c", config], {
      stdio: ["pipe", "ignore", "inherit"],
    });
    child.stdin.end("correct horse");
    assert.equal(await once(child, "close"), [0, null], args);
  };

  let gateway = run();
  const statuses: number[] = [];
  const phone = await openEndpoint(
    { clock: monotonicClock(), network: nodeNetwork(), random: cryptoRandom(), log: silent },
    { local: { host: "127.0.0.1", port: 0 }, userAgent: "phone" },
    refusing,
  );
  try {
    await gateway.printed(/"event":"ready"/);
    await roger("user add dave");
    await gateway.printed(/"event":"account-changed"/);
    phone.register({
      aor: "sip:dave@crew.example",
      registrar: { transport: "udp", remote: { host: "127.0.0.1", port } },
      credentials: { username: "dave", password: "correct horse" },
      onState: (state) => void statuses.push(state.registered ? 200 : state.status),
    });
    await gateway.printed(/"event":"registered".*"user":"dave"/);
    await isKept(join(folder, "north.db"), "dave");
    await gateway.kill();

    gateway = run();
    await gateway.printed(/"event":"restored".*"terminals":1/);
    await gateway.printed(/"event":"registered".*"user":"dave"/);
    assert.equal(statuses, [200], "it has not registered anew");
    await roger("user remove dave");
    await gateway.printed(/"event":"unregistered".*"user":"dave"/);
  } finally {
    const closing = phone.close();
    await gateway.stop();
    await closing;
    rmSync(folder, { recursive: true });
  }
  assert.is(await gateway.ended, 0);
});

test.run();
