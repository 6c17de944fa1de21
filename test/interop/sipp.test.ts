import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { startSite } from "../../scripts/demonstration/site.ts";
import { ownAddress, ownNetwork } from "../support/own-network.ts";
import { program } from "../support/program.ts";
import { skip, testWith } from "../support/skip.ts";

const missing = await ownNetwork(import.meta.filename);
const sippTest = missing ? (name: string) => skip(name, missing) : testWith("sipp");
const users = Array.from({ length: 200 }, (_, index) => `user${index + 1}`);
const passwordOf = (user: string): string => `secret-of-${user}`;

/** sipp 3.6 answers MD5 alone, and gives up at any other challenge. */
const account = (user: string): string =>
  `  - { user: ${user}, password: ${passwordOf(user)}, talkgroups: [ops], digest: [MD5] }\n`;

/** REGISTER, the challenge, REGISTER with credentials, 200: the calls of each row of users. */
function registering(expires: number): string {
  const register = (cseq: number, credentials: string): string => `<send retrans="500"><![CDATA[
REGISTER sip:crew.example SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];rport;branch=[branch]
Max-Forwards: 70
From: <sip:[field0]@crew.example>;tag=[pid]SIPpTag[call_number]
To: <sip:[field0]@crew.example>
Call-ID: [call_id]
CSeq: ${cseq} REGISTER
Contact: <sip:[field0]@[local_ip]:[local_port]>
${credentials}Expires: ${expires}
Content-Length: 0

]]></send>`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<scenario name="register">
${register(1, "")}
<recv response="401" auth="true"/>
${register(2, "[field1]\n")}
<recv response="200"/>
</scenario>
`;
}

sippTest("sipp registers 200 users with digest, and none with a wrong password", async () => {
  const folder = mkdtempSync(join(tmpdir(), "roger-sipp-"));
  const gateway = await startSite({
    site: "south",
    host: ownAddress,
    sipPort: 5060,
    mediaPorts: "21000-21999",
    broker: "none",
    accounts: users.map(account).join(""),
    folder,
    log: join(folder, "south.log"),
  });

  async function sipp(name: string, password: (user: string) => string) {
    const scenario = join(folder, `${name}.xml`);
    const rows = join(folder, `${name}.csv`);
    writeFileSync(scenario, registering(600));
    writeFileSync(
      rows,
      `SEQUENTIAL\n${users.map((user) => `${user};[authentication username=${user} password=${password(user)}]`).join("\n")}\n`,
    );
    const limits = ["-m", `${users.length}`, "-r", "200", "-l", "50", "-timeout", "60", "-timeout_error", "-nostdin"];
    const addresses = ["-i", ownAddress, "-p", "5090", `${ownAddress}:5060`];
    const run = program(
      "sipp",
      ["-sf", scenario, "-inf", rows, "-trace_err", "-auth_uri", "crew.example", ...limits, ...addresses],
      {
        cwd: folder,
      },
    );
    return { status: await run.ended, lines: run.lines };
  }

  try {
    const good = await sipp("right", passwordOf);
    assert.is(good.status, 0, good.lines.slice(-40).join("\n"));
    const wrong = await sipp("wrong", () => "not-the-password");
    assert.is(wrong.status, 1, "every call fails: the second REGISTER is challenged again");
    const log = readFileSync(join(folder, "south.log"), "utf8");
    const registered = users.filter((user) => log.includes(`"event":"registered","user":"${user}"`));
    assert.is(registered.length, users.length);
  } finally {
    await gateway.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

test.run();
