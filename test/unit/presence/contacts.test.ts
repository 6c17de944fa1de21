import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Account } from "../../../firmware/presence/accounts.ts";
import { forgetful } from "../../../firmware/presence/binding-store.ts";
import { type RegistrarListener, registrar } from "../../../firmware/presence/registrar.ts";
import type { Flow, Transport } from "../../../firmware/sip/endpoint.ts";
import { ProtocolError } from "../../../firmware/sip/message.ts";
import { request } from "../../../firmware/sip/serialize.ts";
import { virtualClock } from "../../../hal/clock/virtual.ts";

const alice: Account = {
  user: "alice",
  identities: [],
  aor: "sip:alice@example.org",
  talkgroups: new Set(),
  standing: [],
  listenOnly: new Set(),
  dispatches: new Set(),
  noPreempt: new Set(),
  raises: new Set(),
  priority: 0,
  priorities: new Map(),
  digest: ["SHA-256"],
};

const flowOf = (transport: Transport, connection: number): Flow => ({
  transport,
  remote: { host: "10.0.0.9", port: 40_000 + connection },
  ...(transport !== "udp" && { connection }),
});

/** A registrar by itself, and what it tells: "+a" bound, "~a" bound again, "-a" gone, and how many can be reached. */
function open() {
  const clock = virtualClock();
  const story: string[] = [];
  let reached = 0;
  let cseq = 0;
  const name = (contact: string) => contact.replace(/^sip:|@.*/g, "");
  const listener: RegistrarListener = {
    bound: ({ contact, flow }, fresh) =>
      void story.push(
        `${fresh ? "+" : "~"}${name(contact)}${flow.connection === undefined ? "" : ` by ${flow.connection}`}`,
      ),
    unbound: ({ contact }) => void story.push(`-${name(contact)}`),
    reach: (account, change) => {
      assert.is(account, alice);
      reached += change;
    },
  };
  const bindings = registrar(
    { clock, accounts: { find: () => alice, ha1: () => undefined }, bindings: forgetful },
    listener,
  );

  /** The contacts that come back, or the status of a refusal. */
  function register(
    contacts: readonly string[],
    flow: Flow = flowOf("udp", 0),
    callId = "c",
  ): readonly string[] | number {
    cseq += 1;
    let answer: readonly string[] | number = 0;
    const message = request({
      method: "REGISTER",
      uri: "sip:example.org",
      from: `<${alice.aor}>;tag=f`,
      to: `<${alice.aor}>`,
      callId,
      cseq,
      headers: contacts.map((contact) => ["contact", contact] as const),
    });
    try {
      bindings.register(alice, {
        request: message,
        flow,
        respond(status, extras) {
          answer = status === 200 ? (extras?.headers ?? []).map(([, value]) => value) : status;
        },
      });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return error.status;
    }
    return answer;
  }

  return {
    clock,
    bindings,
    register,
    news: () => story.splice(0),
    reached: () => reached,
    choice: () => bindings.reachable("alice").map(({ contact }) => name(contact)),
  };
}

test("of several contacts the one with the highest q comes first, and of equals the one that was heard of last", async () => {
  const { clock, register, choice } = open();
  register(["<sip:desk@10.0.0.9>;q=0.5", "<sip:belt@10.0.0.9>;q=0.9", "<sip:van@10.0.0.9>;q=0.5"]);
  assert.equal(choice(), ["belt", "desk", "van"]);
  await clock.advance(1_000);
  register(["<sip:van@10.0.0.9>;q=0.5"]);
  assert.equal(choice(), ["belt", "van", "desk"]);
  const told = register(["<sip:plain@10.0.0.9>", "<sip:last@10.0.0.9>;q=0"]);
  assert.equal(choice(), ["plain", "belt", "van", "desk", "last"], "without a q it is 1");
  assert.equal(told, [
    "<sip:plain@10.0.0.9>;expires=300",
    "<sip:belt@10.0.0.9>;q=0.9;expires=299",
    "<sip:van@10.0.0.9>;q=0.5;expires=300",
    "<sip:desk@10.0.0.9>;q=0.5;expires=299",
    "<sip:last@10.0.0.9>;q=0;expires=300",
  ]);
  assert.equal(register(["<sip:desk@10.0.0.9>;q=1.000", "<sip:plain@10.0.0.9>;expires=0"]) !== 400, true);
  assert.equal(choice(), ["desk", "belt", "van", "last"]);
});

test("a q that is none is refused, and changes nothing", () => {
  const { register, news } = open();
  for (const q of ["2", "1.1", "0.1234", "-1", "high", "1e-1", '""'])
    assert.is(register(["<sip:a@10.0.0.9>", `<sip:b@10.0.0.9>;q=${q}`]), 400, q);
  assert.equal(news(), []);
});

for (const transport of ["tcp", "tls"] as const) {
  test(`a ${transport} connection that closes takes its contacts out of reach, and they stay bound until they come back or run out`, async () => {
    const { clock, bindings, register, news, reached, choice } = open();
    register(["<sip:a@10.0.0.9>", "<sip:b@10.0.0.9>"], flowOf(transport, 1));
    register(["<sip:c@10.0.0.9>"], flowOf(transport, 2));
    register(["<sip:d@10.0.0.9>"]);
    assert.equal(news(), ["+a by 1", "+b by 1", "+c by 2", "+d"]);
    assert.is(reached(), 4);
    bindings.cut(flowOf(transport === "tcp" ? "tls" : "tcp", 1));
    bindings.cut(flowOf(transport, 7));
    assert.is(reached(), 4, "another connection of the same number");
    bindings.cut(flowOf(transport, 1));
    bindings.cut(flowOf(transport, 1));
    assert.equal([reached(), choice(), news()], [2, ["c", "d"], []]);
    assert.is((register([]) as readonly string[]).length, 4, "a query shows them");
    register(["<sip:a@10.0.0.9>"], flowOf(transport, 3));
    assert.equal([reached(), choice().includes("a"), news()], [3, true, ["~a by 3"]]);
    bindings.cut(flowOf(transport, 1));
    assert.is(reached(), 3, "it is reached by another way now");
    await clock.advance(301_000);
    assert.equal(news().toSorted(), ["-a", "-b", "-c", "-d"]);
    assert.is(reached(), 0);
    assert.is(clock.pending(), 0);
  });
}

test("a contact that moves from a connection to a datagram outlives the connection", () => {
  const { bindings, register, reached } = open();
  register(["<sip:a@10.0.0.9>"], flowOf("tls", 1));
  register(["<sip:a@10.0.0.9>"]);
  bindings.cut(flowOf("tls", 1));
  assert.is(reached(), 1);
});

test("over a connection a contact lasts ten minutes at most, so that its refreshes keep the connection in use", () => {
  const { register } = open();
  assert.equal(register(["<sip:a@10.0.0.9>;expires=3600"], flowOf("tls", 1)), ["<sip:a@10.0.0.9>;expires=600"]);
  assert.equal(register(["<sip:a@10.0.0.9>;expires=3600"]), ["<sip:a@10.0.0.9>;expires=3600"]);
});

test("a terminal that comes back under another contact and says which it is takes the place of the one out of reach", () => {
  const { bindings, register, news, reached } = open();
  const contact = (user: string, instance: string) => `<sip:${user}@10.0.0.9>;+sip.instance="<urn:uuid:${instance}>"`;
  register([contact("old", "1"), contact("other", "2"), "<sip:plain@10.0.0.9>"], flowOf("tcp", 1));
  register([contact("second", "1")], flowOf("tcp", 2));
  assert.equal(news(), ["+old by 1", "+other by 1", "+plain by 1", "+second by 2"], "one in reach is left alone");
  bindings.cut(flowOf("tcp", 1));
  register([contact("new", "1")], flowOf("tcp", 3));
  // The old one is moved first: what ends with it is told by a way that works.
  assert.equal(news(), ["~old by 3", "-old", "+new by 3"]);
  assert.is(reached(), 2);
  register(["<sip:nameless@10.0.0.9>"], flowOf("tcp", 3));
  assert.equal(news(), ["+nameless by 3"], "who does not say which it is takes nobody's place");
});

test("contacts out of reach make room for others, the oldest first; those in reach do not", async () => {
  const { clock, bindings, register, news } = open();
  const named = (index: number) => `<sip:${index}@10.0.0.9>`;
  for (let index = 0; index < 10; index++) {
    register([named(index)], flowOf("tcp", index));
    await clock.advance(10);
  }
  assert.is(register([named(10)], flowOf("tcp", 10)), 503);
  bindings.cut(flowOf("tcp", 4));
  bindings.cut(flowOf("tcp", 2));
  news();
  assert.is(register([named(10), named(11), named(12)], flowOf("tcp", 10)), 503, "there is room for two");
  assert.equal(news(), []);
  assert.is((register([named(10)], flowOf("tcp", 10)) as readonly string[]).length, 10);
  assert.equal(news(), ["-2", "+10 by 10"]);
  bindings.cut(flowOf("tcp", 3));
  assert.is((register([named(3), named(11)], flowOf("tcp", 10)) as readonly string[]).length, 10);
  assert.equal(news(), ["-4", "~3 by 10", "+11 by 10"], "not the one that is coming back");
  assert.is(register([named(12)], flowOf("tcp", 10)), 503, "all are in reach");
});

test.run();
