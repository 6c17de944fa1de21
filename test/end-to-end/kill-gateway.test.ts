/**
 * Kills a whole gateway at random moments while a crew of phones is at work, and looks at what it left and at what comes
 * back. ROGER_KILLS says how often, ROGER_SEED which moments; scripts/soak kill sets them.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { monotonicClock } from "../../hal/clock/monotonic.ts";
import { seededRandom } from "../../hal/random/seeded.ts";
import { type CrewPhone, openCrewPhone } from "../support/crew-phone.ts";
import { openCrewWatcher } from "../support/crew-watcher.ts";
import { freePort } from "../support/free-port.ts";
import { type Kept, readKept } from "../support/kept-store.ts";
import { ownNetwork } from "../support/own-network.ts";
import { type Program, program } from "../support/program.ts";
import { projectRoot } from "../support/source.ts";

await ownNetwork(import.meta.filename);

const kills = Number(process.env["ROGER_KILLS"] ?? 100);
const seed = Number(process.env["ROGER_SEED"] ?? 7);
const main = join(projectRoot, "firmware/start.ts");
const clock = monotonicClock();
const size = 30;
const password = "correct horse";
/** What is not on the disk so long after its answer is lost: a moment of gathering and a commit, on a busy machine, ms. */
const flushMs = 3_000;
/** Of whatever the test waits for, ms. */
const patienceMs = 20_000;

const configOf = (port: number): string => `
site: north
realm: crew.example
sip: { host: 127.0.0.1, port: ${port} }
media: { host: 127.0.0.1, ports: 20000-29999 }
board: simulated
store: north.db
accounts:
  - { user: watcher, password: ${password}, talkgroups: [ops] }
${Array.from({ length: size }, (_, number) => `  - { user: p${number}, password: ${password}, talkgroups: [ops]${number % 2 === 0 ? ", standing: [ops]" : ""} }`).join("\n")}
talkgroups: [{ name: ops }]
`;

/** Somebody waits until something holds, and looks when there is news. */
function news() {
  const waiting = new Set<() => void>();
  return {
    tell: (): void => waiting.forEach((look) => look()),
    until(holds: () => boolean, what: () => string): Promise<void> {
      return new Promise((resolve, reject) => {
        const cancel = clock.after(patienceMs, () => {
          waiting.delete(look);
          reject(new Error(`waited ${patienceMs / 1000} s: ${what()}`));
        });
        function look(): void {
          if (!holds()) return;
          waiting.delete(look);
          cancel();
          resolve();
        }
        waiting.add(look);
        look();
      });
    },
  };
}

test(`a gateway that is killed at ${kills} random moments under load forgets nobody, and shows nobody who is not there`, async () => {
  console.log(`kill -9 of a gateway, ${kills} times, seed ${seed}`);
  const random = seededRandom(seed);
  const pick = (below: number): number => Math.floor(random.fraction() * below);
  const folder = mkdtempSync(join(tmpdir(), "roger-kill-"));
  const config = join(folder, "north.yaml");
  const file = join(folder, "north.db");
  const server = { host: "127.0.0.1", port: await freePort() };
  writeFileSync(config, configOf(server.port), { mode: 0o600 });
  const { tell, until } = news();
  const phones: CrewPhone[] = [];
  const added = new Set<string>();
  const total = { online: 0, offline: 0, dead: 0, unsure: 0, answers: 0, commands: 0, starting: 0 };
  let answers = 0;
  let startedAt = clock.now();
  let atWork = false;

  async function hire(user: string, standing: boolean): Promise<void> {
    const phone = await openCrewPhone({ user, password, standing, server }, seededRandom(pick(2 ** 32)), {
      answer() {
        answers += 1;
        tell();
      },
      session: tell,
      settled(before) {
        // Asked of the gateway before, and said again to this one.
        if (before < startedAt) return;
        for (const other of phones)
          if (other.belief === "in" && other.granted.at < before) other.settled = other.granted.cseq;
      },
    });
    phones.push(phone);
    if (atWork) void keepBusy(phone);
  }

  const busy = new Set<CrewPhone>();
  async function keepBusy(phone: CrewPhone): Promise<void> {
    if (busy.has(phone)) return;
    busy.add(phone);
    while (atWork && !phone.isDead) {
      await phone.act();
      // Phones are not in step.
      await new Promise<void>((done) => clock.after(random.fraction() * 30, done));
    }
    busy.delete(phone);
  }

  async function roger(args: string, input = ""): Promise<void> {
    const child = spawn(process.execPath, [main, ...args.split(" "), "-c", config], {
      stdio: ["pipe", "ignore", "inherit"],
    });
    child.stdin.end(input);
    assert.equal(await once(child, "close"), [0, null], args);
    total.commands += 1;
  }

  /** A user more, or another password for one who was added; undefined where this is not the round for it. */
  async function command(round: number): Promise<void> {
    if (round % 5 !== 2) return;
    const mine = phones.filter(({ user, isDead }) => added.has(user) && !isDead);
    const phone = mine[pick(mine.length)];
    if (phone && round % 10 === 2) {
      await roger(`user passwd ${phone.user}`, `${password} ${round}`);
      return phone.setPassword(`${password} ${round}`);
    }
    const user = `added${round}`;
    await roger(`user add ${user} --talkgroup ops --standing ops`, password);
    added.add(user);
    await hire(user, true);
  }

  /** What was promised before the kill is on the disk, and what was taken back is not. */
  function compare(kept: Kept, killedAt: number, round: number): void {
    for (const user of added) assert.ok(kept.users.has(user), `${user} was added, round ${round}`);
    for (const phone of phones) {
      if (phone.isDead || phone.belief === "unsure") continue;
      const cseq = kept.bound.get(phone.user);
      const { belief, granted } = phone;
      const promised = granted.at < killedAt - flushMs ? granted.cseq : phone.settled;
      const about = `${phone.user} is ${belief} by ${granted.cseq}, kept by ${cseq}, promised by ${promised}, round ${round}`;
      if (belief === "out") assert.is(cseq, undefined, about);
      if (belief === "in") assert.ok((cseq ?? 0) >= promised, about);
      if (cseq === undefined) phone.belief = "out";
      phone.settled = cseq ?? 0;
      phone.granted = { ...granted, cseq: phone.settled };
    }
  }

  async function restartPhone(phone: CrewPhone): Promise<void> {
    await phone.reboot();
    await phone.register();
  }

  /** Those of whom there is no doubt come back, and nobody else. */
  async function look(kept: Kept, round: number): Promise<void> {
    // Most of those who wait for an answer do not wait on: they come anew.
    const anew = phones.filter((phone) => !phone.isDead && phone.belief === "unsure" && random.fraction() < 0.75);
    await Promise.all(anew.map(restartPhone));
    const isSure = (phone: CrewPhone): boolean => phone.isDead || (phone.belief !== "unsure" && !phone.isMuddled);
    const sure = new Set(phones.filter(isSure));
    const isThere = ({ user, isDead, belief }: CrewPhone): boolean =>
      !isDead && (belief === "in" || kept.bound.has(user));
    const live = [...sure].filter(isThere);
    const names = phones.map(({ user }) => user);
    const watcher = await openCrewWatcher({ user: "watcher", password, server }, names, tell);
    try {
      const last = (phone: CrewPhone): string | undefined => watcher.told.get(phone.user)?.at(-1);
      const missing = (): CrewPhone[] =>
        live.filter((phone) => last(phone) !== "open" || (phone.standing && phone.sessions === 0));
      await until(
        () => missing().length === 0 && phones.every((phone) => last(phone) !== undefined),
        () => `round ${round}: ${missing().map((phone) => `${phone.user} ${last(phone)} ${phone.sessions}`)}`,
      );
      for (const phone of sure)
        if (!live.includes(phone))
          assert.equal(watcher.told.get(phone.user), ["closed"], `${phone.user}, round ${round}`);
    } finally {
      await watcher.close();
    }
    total.online += live.length;
    total.dead += phones.filter(({ isDead }) => isDead).length;
    total.offline += [...sure].filter((phone) => !live.includes(phone) && !phone.isDead).length;
    total.unsure += phones.length - sure.size;
  }

  /** The crew is busy until a random number of answers has come. */
  async function work(round: number): Promise<{ readonly commanded: Promise<void> }> {
    atWork = true;
    for (const phone of phones) void keepBusy(phone);
    const commanded = command(round);
    // The gateway hears of it within a second, or is killed before it does.
    if (random.fraction() < 0.7) await commanded;
    answers = 0;
    const wanted = 1 + pick(200);
    await until(
      () => answers >= wanted,
      () => `round ${round}: ${answers} of ${wanted} answers`,
    );
    total.answers += answers;
    return { commanded };
  }

  /** Some die for good before the gateway is back. */
  function bury(kept: Kept, round: number): void {
    if (round % 4 !== 3) return;
    const live = phones.filter(({ user, isDead }) => kept.bound.has(user) && !isDead);
    const phone = live[pick(live.length)];
    if (phone && live.length > 4) phone.isDead = true;
  }

  function listen(gateway: Program, round: number): void {
    const wrong = /"level":"(error|fatal)"|"event":"store-/;
    assert.equal(
      gateway.lines.filter((line) => wrong.test(line) || !line.startsWith("{")),
      [],
      `round ${round}`,
    );
  }

  const start = (): Program => program(process.execPath, [main, "run", "--config", config]);
  for (let number = 0; number < size; number++) await hire(`p${number}`, number % 2 === 0);
  let gateway = start();
  let kept: Kept | undefined;
  await gateway.printed(/"event":"ready"/);
  try {
    for (let round = 0; round < kills; round++) {
      let commanded: Promise<void> | undefined;
      if (round % 6 === 5) {
        // In the midst of its start, or just after it.
        const moment = new Promise<void>((now) => clock.after(pick(1_500), now));
        await Promise.race([moment, gateway.printed(/"event":"ready"/)]);
        total.starting += 1;
      } else {
        await gateway.printed(/"event":"ready"/);
        if (kept) await look(kept, round);
        commanded = (await work(round)).commanded;
      }
      const killedAt = clock.now();
      await gateway.kill();
      atWork = false;
      await commanded;
      listen(gateway, round);
      kept = readKept(file);
      compare(kept, killedAt, round);
      for (const phone of phones) phone.bereave();
      bury(kept, round);
      startedAt = clock.now();
      gateway = start();
    }
    await gateway.printed(/"event":"ready"/);
    if (kept) await look(kept, kills);
  } finally {
    await gateway.kill();
    for (const phone of phones) void phone.close();
  }
  console.log(JSON.stringify(total));
  assert.equal(
    readdirSync(folder).filter((name) => !/^north\.(yaml|db|db-wal|db-shm)$/.test(name)),
    [],
  );
  const { online, offline, dead } = total;
  if (kills >= 10) assert.ok(online > kills * 5 && offline > kills / 2 && dead > kills / 2, "this load proves nothing");
  rmSync(folder, { recursive: true });
});

test.run();
