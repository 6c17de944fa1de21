/** Kills a gateway under load at random moments, and looks at what it takes up when it is back. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout } from "node:timers/promises";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { SipRequest } from "../../firmware/sip/message.ts";
import { seededRandom } from "../../hal/random/seeded.ts";
import { freePort } from "../support/free-port.ts";
import { listOf } from "../support/presence-documents.ts";
import { type Program, program } from "../support/program.ts";
import { projectRoot } from "../support/source.ts";
import { openPhone, openPlain, type Phone, realm } from "./crew.ts";

const main = join(projectRoot, "firmware/start.ts");
const password = "in real sockets";
const users = Array.from({ length: 24 }, (_, index) => `crew${index}`);
const rounds = 100;
/** Of load before the kill, ms. */
const longest = 400;

async function until(isSo: () => boolean, what: () => string): Promise<void> {
  for (let attempts = 0; !isSo(); attempts++) {
    if (attempts === 1_000) throw new Error(`waited 10 s for ${what()}`);
    await setTimeout(10);
  }
}

test(`killed at ${rounds} random moments under load, a gateway has every registration that was kept, and shows nobody who is gone`, async () => {
  const random = seededRandom(20);
  const folder = mkdtempSync(join(tmpdir(), "roger-crash-"));
  const [config, file] = [join(folder, "north.yaml"), join(folder, "north.db")];
  const port = await freePort();
  const gatewayAt = { host: "127.0.0.1", port };
  const account = (user: string, more = ""): string =>
    `  - { user: ${user}, password: "${password}", talkgroups: [ops]${more} }\n`;
  writeFileSync(
    config,
    `site: north
realm: ${realm}
sip: { host: 127.0.0.1, port: ${port} }
media: { host: 127.0.0.1, ports: 20000-29999 }
board: simulated
store: north.db
accounts:
${users.map((user) => account(user, ", standing: [ops]")).join("")}${account("watcher")}talkgroups:
  - { name: ops }
`,
    { mode: 0o600 },
  );
  const one = <Item>(items: readonly Item[]): Item | undefined => items[Math.floor(random.fraction() * items.length)];
  const phones = new Set<Phone>();
  /** Contacts that have asked to be bound no more, which the store follows by a moment. */
  const released = new Set<string>();
  const added: string[] = [];
  const dying: Promise<void>[] = [];
  const watcher = await openPlain({ host: "127.0.0.1", port: 0 });
  let gateway: Program | undefined;
  const total = { taken: 0, shown: 0, gone: 0 };

  /** Contacts that are in the store. */
  function kept(): Set<string> {
    const database = new DatabaseSync(file, { readOnly: true });
    const rows = database.prepare("SELECT contact FROM bindings").all();
    database.close();
    return new Set(rows.map((row) => `${row["contact"]}`));
  }

  /** The users whom the gateway shows as there, each time that it says so. */
  function watch(onShown: (shown: ReadonlySet<string>) => void): () => void {
    const from = `sip:watcher@${realm}`;
    const uri = `sip:buddies@${realm}`;
    const watching = watcher.watch(
      {
        ...{ method: "SUBSCRIBE", uri, from, to: uri, via: { transport: "udp", remote: gatewayAt } },
        ...{ credentials: { username: "watcher", password }, headers: [["supported", "eventlist"]], event: "presence" },
      },
      {
        onNotify(_, request: SipRequest) {
          const people = [...listOf(request).people].filter(([, { basic }]) => basic === "open");
          onShown(new Set(people.map(([entity]) => entity.slice("sip:".length, entity.indexOf("@")))));
        },
        onState() {},
      },
    );
    return watching.close;
  }

  async function act(): Promise<void> {
    const phone = one([...phones].filter(({ busy }) => !busy()));
    const dice = random.fraction();
    if (!phone || dice < 0.3) {
      const user = one(users) ?? "";
      const fresh = await openPhone(user, { username: user, password }, gatewayAt);
      phones.add(fresh);
      fresh.register(300);
    } else if (dice < 0.55) phone.register(300);
    else if (dice < 0.7) {
      released.add(phone.contact);
      phone.register(0);
    } else if (dice < 0.85) phone.publish();
    else {
      phones.delete(phone);
      total.gone += 1;
      dying.push(phone.die());
    }
  }

  try {
    for (let round = 0; round < rounds; round++) {
      for (const phone of phones) phone.asked = false;
      // A request that the kill cut off goes on.
      const going = [...phones].filter(({ leaving }) => leaving).map(({ contact }) => contact);
      released.clear();
      for (const contact of going) released.add(contact);
      for (const phone of phones) phone.called = 0;
      const before = round === 0 ? new Set<string>() : kept();
      gateway = program(process.execPath, [main, "run", "--config", config]);
      await gateway.printed(/"event":"ready"/);
      assert.not.ok(
        gateway.lines.find((line) => /damaged|set aside/.test(line)),
        `round ${round}: the store is sound`,
      );

      const alive = [...phones].filter(({ contact }) => before.has(contact));
      const mayBe = new Set(alive.map(({ user }) => user));
      let shown: ReadonlySet<string> = new Set();
      const wrong = new Set<string>();
      const close = watch((now) => {
        shown = now;
        for (const { user, asked } of phones) if (asked) mayBe.add(user);
        for (const user of now) if (!mayBe.has(user)) wrong.add(user);
      });
      // Whoever asked meanwhile to be bound no more is not waited for.
      const expected = () => alive.filter(({ busy }) => !busy());
      await until(
        () => expected().every(({ user, called }) => shown.has(user) && called > 0),
        () =>
          `round ${round}: ${expected()
            .filter(({ user, called }) => !shown.has(user) || called === 0)
            .map(({ user, contact, called }) => `${user} at ${contact}, called ${called} times`)}`,
      );
      total.taken += alive.length;
      total.shown += shown.size;

      // A user is added while it is killed, now and then.
      const adding = round % 10 === 5 ? `added${round}` : undefined;
      const command = adding
        ? spawn(process.execPath, [main, "user", "add", adding, "--talkgroup", "ops", "-c", config], {
            stdio: ["pipe", "ignore", "inherit"],
          })
        : undefined;
      command?.stdin?.end(password);
      const end = performance.now() + random.fraction() * longest;
      while (performance.now() < end) {
        await act();
        await setTimeout(random.fraction() * 5);
      }
      const committed = kept();
      await gateway.kill();
      close();
      const after = kept();
      for (const contact of committed)
        assert.ok(after.has(contact) || released.has(contact), `round ${round}: ${contact} was committed, and is gone`);
      assert.equal([...wrong], [], `round ${round}: shown, and not there`);
      if (command && adding) {
        const [status] = command.exitCode === null ? await once(command, "close") : [command.exitCode];
        assert.is(status, 0, `round ${round}: roger user add`);
        added.push(adding);
      }
    }
    const database = new DatabaseSync(file, { readOnly: true });
    assert.equal(database.prepare("PRAGMA integrity_check").get(), { integrity_check: "ok" });
    const there = database.prepare("SELECT user FROM accounts").all();
    database.close();
    const names = new Set(there.map((row) => `${row["user"]}`));
    assert.ok(
      added.every((user) => names.has(user)),
      "who was added is there",
    );
    assert.equal(
      readdirSync(folder).filter((name) => name.includes("damaged")),
      [],
    );
    assert.ok(total.taken > rounds && total.gone > rounds, JSON.stringify(total));
    console.log(JSON.stringify(total));
  } finally {
    await gateway?.kill();
    await Promise.all([...dying, ...[...phones].map((phone) => phone.die()), watcher.close()]);
    rmSync(folder, { recursive: true });
  }
});

test.run();
