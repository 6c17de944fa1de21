import { test } from "uvu";
import * as assert from "uvu/assert";
import { silent } from "../../../firmware/log.ts";
import { type Account, accountBook } from "../../../firmware/presence/accounts.ts";
import type { ExchangeSettings } from "../../../firmware/presence/exchange.ts";
import { type Exchanges, exchanges, type OutsideNumber } from "../../../firmware/presence/exchanges.ts";
import { ProtocolError } from "../../../firmware/sip/message.ts";
import { virtualClock } from "../../../hal/clock/virtual.ts";
import { exchangeAt } from "./pbx.ts";
import { realm } from "./site.ts";

const record = { priority: 0, hashes: new Map() };
const accounts = accountBook(
  [
    {
      ...record,
      user: "boss",
      memberships: [{ talkgroup: "ops", role: "dispatcher", mayPreempt: true, standing: false }],
    },
    { ...record, user: "alice", memberships: [{ talkgroup: "ops", role: "talk", mayPreempt: true, standing: false }] },
    { ...record, user: "911", memberships: [] },
  ],
  realm,
);

function accountOf(user: string): Account {
  const account = accounts.find(user);
  if (!account) throw new Error(`no account ${user}`);
  return account;
}

function open(...all: readonly ExchangeSettings[]): Exchanges {
  const sip = (): never => {
    throw new Error("nothing is said to anybody");
  };
  const isHere = (name: string): boolean => accounts.find(name) !== undefined;
  const settings = all.length > 0 ? all : [exchangeAt()];
  return exchanges({ clock: virtualClock(), log: silent, sip }, { realm, exchanges: settings, isHere });
}

function routeOf(all: Exchanges, user: string, number: string): OutsideNumber {
  const route = all.route(accountOf(user), number);
  if (!route) throw new Error(`${number} leads to no exchange`);
  return route;
}

function refusal(call: () => unknown): number | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return error.status;
  }
}

test("a dispatcher's number goes to the exchange without its prefix, as the user that the gateway is there", () => {
  const { seize: _, ...way } = routeOf(open(), "boss", "91001");
  assert.equal(way, {
    uri: "sip:1001@pbx.example",
    via: { transport: "udp", remote: { host: "10.0.0.50", port: 5060 } },
    from: '"boss" <sip:roger@pbx.example>',
    to: "sip:1001@pbx.example",
    q: 1,
    rings: true,
    credentials: { username: "roger", password: "of the pbx" },
  });
});

test("a peer is told who calls, and asks for no password", () => {
  const server = { host: "fd00::5", port: 5061, transport: "tls", name: "pbx.example" } as const;
  const { user: _, password: __, ...peer } = exchangeAt({ register: false, domain: "fd00::5", server });
  const route = routeOf(open(peer), "boss", "9*98#");
  assert.is(route.uri, "sip:*98%23@[fd00::5]");
  assert.is(route.from, '"boss" <sip:boss@example.org>');
  assert.equal(route.via, { transport: "tls", remote: { host: "fd00::5", port: 5061 }, name: "pbx.example" });
  assert.is(route.credentials, undefined);
});

test("who dispatches nothing may not dial out", () => {
  assert.is(
    refusal(() => open().route(accountOf("alice"), "91001")),
    403,
  );
});

test("what begins otherwise, or is somebody here, leads to no exchange", () => {
  for (const number of ["81001", "alice", "911"])
    assert.is(open().route(accountOf("alice"), number), undefined, number);
  const { dialOut: _, ...none } = exchangeAt();
  assert.is(open(none).route(accountOf("boss"), "91001"), undefined);
});

test("what is no number is not asked for outside", () => {
  for (const number of ["9", "91001;x", "9a b", "9@b", `9${"1".repeat(65)}`])
    assert.is(
      refusal(() => open().route(accountOf("boss"), number)),
      404,
      number,
    );
});

test("each exchange is reached by its own prefix, and has its own lines", () => {
  const all = open(
    exchangeAt({ name: "one", calls: 1 }),
    exchangeAt({ name: "two", dialOut: "8", domain: "two.example" }),
  );
  const { seize } = routeOf(all, "boss", "91");
  const giveBack = seize();
  assert.is(
    refusal(() => all.route(accountOf("boss"), "91")),
    486,
  );
  assert.is(routeOf(all, "boss", "81").uri, "sip:1@two.example");
  giveBack?.();
  giveBack?.();
  assert.equal(
    all.states().map(({ calls }) => calls),
    [0, 0],
  );
  routeOf(all, "boss", "91");
});

test.run();
