import * as assert from "uvu/assert";
import { silent } from "../../../firmware/log.ts";
import { type AccountBook, type AccountEntry, accountsFrom } from "../../../firmware/presence/accounts.ts";
import type { BindingStore, StoredBinding } from "../../../firmware/presence/binding-store.ts";
import type { SessionCommand, SessionEvent } from "../../../firmware/presence/conference-server.ts";
import type { ExchangeSettings } from "../../../firmware/presence/exchange.ts";
import type { SrtpPolicy } from "../../../firmware/presence/legs.ts";
import { presence } from "../../../firmware/presence/presence.ts";
import type { LastBurst } from "../../../firmware/presence/replay-code.ts";
import type { Presence } from "../../../firmware/presence/roster.ts";
import type { Rule } from "../../../firmware/presence/rules.ts";
import type { DigestAlgorithm } from "../../../firmware/sip/digest.ts";
import type { Endpoint } from "../../../firmware/sip/endpoint.ts";
import { simulatedIdentity } from "../../../hal/network/simulated-tls.ts";
import { seededRandom } from "../../../hal/random/seeded.ts";
import { serverAddress, sipWire } from "../../support/sip-wire.ts";

export const realm = "example.org";
export const secureAddress = { ...serverAddress, port: 5061 };
export const identity = simulatedIdentity(serverAddress.host);
const settings = {
  ...{ password: "secret", talkgroups: ["ops", "fire"], standing: [], priority: 3 },
  ...{ listenOnly: [], dispatcher: [], noPreempt: [] },
};
const everyDigest: readonly DigestAlgorithm[] = ["SHA-256", "MD5"];
export const entryOf = (user: string, changes: Partial<AccountEntry> = {}): AccountEntry => ({
  ...settings,
  user,
  digest: everyDigest,
  ...changes,
});
/** A further identity of a user of the site. */
export function identityOf(owner: string, user: string, changes: Partial<AccountEntry> = {}): AccountEntry {
  const { password, ...entry } = entryOf(user, changes);
  return { ...entry, identityOf: owner };
}
export const entries = [
  entryOf("alice"),
  entryOf("bob", { talkgroups: ["ops"], listenOnly: ["ops"] }),
  entryOf("carol", { standing: ["ops"] }),
  entryOf("modern", { digest: ["SHA-256"] }),
  entryOf("dave", { talkgroups: ["idle"] }),
];

type Reply = (command: SessionCommand) => readonly SessionEvent[];

/** A conference server that is well. */
export const willing: Reply = (command) => {
  switch (command.type) {
    case "provision": {
      const { leg } = command.options;
      if (command.offer === undefined) return [{ type: "offer", leg, sdp: `offer of ${leg}` }];
      return [
        { type: "answer", leg, sdp: `answer of ${leg}` },
        { type: "ready", leg },
      ];
    }
    case "accept":
      return [{ type: "ready", leg: command.leg }];
    case "reoffer":
      return [{ type: "reanswer", leg: command.leg, sdp: `answer to ${command.offer}` }];
    case "release":
    case "move":
    case "key":
    case "tone":
    case "talkgroup":
    case "no-talkgroup":
      return [];
  }
};

/** A willing conference server but for its replies to one kind of command. */
export function except(type: SessionCommand["type"], reply: Reply): Reply {
  return (command) => (command.type === type ? reply(command) : willing(command));
}

/** What outlives a presence server. */
export function memory(): BindingStore & { readonly kept: Map<string, StoredBinding> } {
  const kept = new Map<string, StoredBinding>();
  return {
    kept,
    load: () => [...kept.values()],
    save: (binding) => void kept.set(`${binding.user} ${binding.contact}`, binding),
    remove: (user, contact) => void kept.delete(`${user} ${contact}`),
    settled: (callback) => callback(),
  };
}

export const bookOf = (accounts: readonly AccountEntry[] = entries): AccountBook => accountsFrom(accounts, realm);

/** A presence server behind a real endpoint, beside a conference server by script, on a simulated wire. */
export async function openSite(
  options: {
    readonly digest?: readonly DigestAlgorithm[];
    readonly accounts?: AccountBook;
    readonly bindings?: BindingStore;
    /** That the site before it stood on. */
    readonly wire?: ReturnType<typeof sipWire>;
    /** Users beside those of every site, members of ops. */
    readonly crew?: readonly string[];
    readonly exchanges?: readonly ExchangeSettings[];
    readonly recordings?: LastBurst;
    readonly srtp?: SrtpPolicy;
    /** Who may sign for those that it calls over TLS. */
    readonly authorities?: string;
  } = {},
) {
  const wire = options.wire ?? sipWire();
  /** What an operator is told: "guessing 10.0.0.66". */
  const warned: string[] = [];
  /** Everything that is told. */
  const logged: { readonly fields: object; readonly message: string }[] = [];
  const { clock } = wire;
  const crew = (options.crew ?? []).map((user) => entryOf(user, { talkgroups: ["ops"] }));
  const accounts = options.accounts ?? bookOf([...entries, ...crew]);
  let bindings = options.bindings ?? memory();
  /** What the conference server was asked for, and when. */
  const asked: { readonly at: number; readonly command: SessionCommand }[] = [];
  /** "alice: ops fire", "alice: gone" */
  const told: string[] = [];
  const states: { readonly user: string; readonly state: Presence | undefined }[] = [];
  const gone = new Set<string>();
  const rules = new Map<string, readonly Rule[]>();
  const opened: (() => Promise<void> | void)[] = [];
  const conference = {
    reply: willing,
    /** Provisioned, and neither given back nor given up by itself. */
    legs: new Set<string>(),
    /** What was asked, in words: "provision 1-alice". */
    words: () => asked.map(({ command }) => `${command.type} ${legOf(command)}`),
    /** Calls that are open. */
    calls: new Set<string>(),
    /** When legs were asked for, ms. */
    times: () => asked.filter(({ command }) => command.type === "provision").map(({ at }) => at),
    tell(event: SessionEvent) {
      if (event.type === "refused" || event.type === "lost") conference.legs.delete(event.leg);
      server.session(event);
    },
  };

  function note(fields: object, message: string): void {
    logged.push({ fields, message });
    if ("event" in fields && "from" in fields && fields.event !== "registered")
      warned.push(`${fields.event} ${fields.from}`);
  }

  function send(command: SessionCommand): void {
    asked.push({ at: clock.now(), command });
    if (command.type === "provision") conference.legs.add(command.options.leg);
    if (command.type === "release") conference.legs.delete(command.leg);
    if (command.type === "talkgroup") conference.calls.add(command.settings.name);
    if (command.type === "no-talkgroup") conference.calls.delete(command.talkgroup);
    for (const event of conference.reply(command)) clock.after(1, () => conference.tell(event));
  }

  const server = presence(
    {
      clock,
      random: seededRandom(11),
      log: { ...silent, info: note, warn: note },
      accounts: { ...accounts, find: (user) => (gone.has(user) ? undefined : accounts.find(user)) },
      rules: { of: (user) => rules.get(user) ?? [] },
      bindings: {
        load: () => bindings.load(),
        save: (binding) => bindings.save(binding),
        remove: (user, contact) => bindings.remove(user, contact),
        settled: (callback) => bindings.settled(callback),
      },
      ...(options.recordings && { recordings: options.recordings }),
      sessions: { send },
      sip: () => endpoint,
    },
    {
      realm,
      digest: options.digest ?? everyDigest,
      talkgroups: [{ name: "ops" }, { name: "fire" }, { name: "idle" }],
      ...(options.exchanges && { exchanges: options.exchanges }),
      ...(options.srtp && { srtp: options.srtp }),
    },
    {
      onPresence(user, state) {
        states.push({ user, state });
        told.push(`${user}: ${wordsOf(state)}`);
      },
    },
  );
  const endpoint: Endpoint = await wire.endpoint(serverAddress, server.handlers, {
    methods: ["REGISTER", "PUBLISH"],
    supported: ["eventlist"],
    tls: {
      port: secureAddress.port,
      identity,
      ...(options.authorities !== undefined && { authorities: options.authorities, asksCallers: true }),
    },
  });

  return {
    wire,
    clock,
    server,
    endpoint,
    conference,
    asked,
    told,
    accounts,
    /** It loses its power: what it holds is lost but for its store. */
    async die(): Promise<void> {
      bindings = memory();
      wire.network.kill(serverAddress.host);
      const closing = endpoint.close();
      await clock.advance(3_000);
      await closing;
      server.close();
    },
    /** Users whose accounts were taken away; whoever takes one away says so to the server. */
    gone,
    /** Of profiles; whoever changes them says so to the server. */
    rules,
    /** What was told last of a user to the other gateways. */
    stateOf: (user: string) => states.findLast((told) => told.user === user)?.state,
    warned,
    logged,
    /** Closed with the site, before it. */
    opened,
    /** Everything is closed in the gateway's order; nothing may be left of it. */
    async close(): Promise<void> {
      const closing = Promise.all(opened.map((close) => close())).then(() => endpoint.close());
      await clock.advance(3_000);
      await closing;
      server.close();
      server.remote("east", "zoe", { status: "available", talkgroups: ["ops"] });
      await clock.advance(0);
      assert.is(clock.pending(), 0, "no timer is left behind");
      assert.equal([...conference.legs], [], "no leg is left behind");
      assert.equal([...conference.calls], [], "no call is left behind");
    },
  };
}

export type Site = Awaited<ReturnType<typeof openSite>>;

function legOf(command: SessionCommand): string {
  if (command.type === "provision") return command.options.leg;
  if (command.type === "talkgroup") return command.settings.name;
  return "leg" in command ? command.leg : command.talkgroup;
}

function wordsOf(state: Presence | undefined): string {
  return state ? state.talkgroups.join(" ") : "gone";
}
