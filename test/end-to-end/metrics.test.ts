import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

test("a wrong password is counted where Prometheus reads it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "roger-metrics-"));
  const config = join(folder, "north.yaml");
  const [port, metrics] = [await freePort(), await freePort()];
  const text = `site: north
realm: crew.example
sip: { host: 127.0.0.1, port: ${port} }
media: { host: 127.0.0.1, ports: 20000-29999 }
board: simulated
metrics: { port: ${metrics} }
accounts: [{ user: dave, password: "correct horse", talkgroups: [ops] }]
talkgroups: [{ name: ops }]
`;
  writeFileSync(config, text, { mode: 0o600 });
  const gateway = program(process.execPath, [join(projectRoot, "firmware/start.ts"), "run", "--config", config]);
  const phone = await openEndpoint(
    { clock: monotonicClock(), network: nodeNetwork(), random: cryptoRandom(), log: silent },
    { local: { host: "127.0.0.1", port: 0 }, userAgent: "phone" },
    refusing,
  );
  try {
    await gateway.printed(/"event":"metrics"/);
    const refused = await new Promise<number>((resolve) => {
      const aor = "sip:dave@crew.example";
      const via = { transport: "udp", remote: { host: "127.0.0.1", port } } as const;
      const credentials = { username: "dave", password: "wrong" };
      phone.request({ method: "REGISTER", uri: "sip:crew.example", from: aor, to: aor, via, credentials }, (response) =>
        resolve(response.status),
      );
    });
    assert.is(refused, 401);
    const shown = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text();
    assert.match(shown, 'roger_requests_refused_total{reason="wrong_password"} 1\n');
    assert.match(shown, 'roger_in_use{what="terminals"} 0\n');
    assert.match(shown, 'roger_in_use{what="conference_legs"} 0\n');
    assert.match(shown, "process_resident_memory_bytes ");
    assert.not.match(shown, "dave");
  } finally {
    await phone.close();
    await gateway.stop();
    rmSync(folder, { recursive: true });
  }
  assert.is(await gateway.ended, 0);
});

test.run();
