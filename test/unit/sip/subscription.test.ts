import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Endpoint, IncomingSubscribe, Notifier } from "../../../firmware/sip/endpoint.ts";
import { header, type SipRequest } from "../../../firmware/sip/message.ts";
import { refusing, requestText, serverAddress, sipWire } from "../../support/sip-wire.ts";

const phone = { host: "10.0.0.2", port: 5060 };
const state = (content: string) => ({ type: "text/plain", content });
type Wire = ReturnType<typeof sipWire>;

/** A notifier of one event, and a watcher that keeps what it hears. */
async function open(wire: Wire, onSubscribe?: (subscribe: IncomingSubscribe) => void) {
  const heard: string[] = [];
  const notifiers: Notifier[] = [];
  const events: string[] = [];
  const accept = (subscribe: IncomingSubscribe) => {
    const notifier = subscribe.accept(Math.min(subscribe.expires ?? 100, 100), {
      onRefresh() {
        events.push("refresh");
        notifier.notify(state("refreshed"));
      },
      onEnd: () => events.push("end"),
      lastBody: () => state("last"),
    });
    notifiers.push(notifier);
    notifier.notify(state("full"));
  };
  const openServer = () => wire.endpoint(serverAddress, { ...refusing, onSubscribe: onSubscribe ?? accept });
  const server = await openServer();
  const client = await wire.endpoint(phone);
  const watch = (endpoint: Endpoint = client) =>
    endpoint.watch(
      {
        method: "SUBSCRIBE",
        uri: "sip:group@10.0.0.1",
        from: "sip:alice@10.0.0.2",
        to: "sip:group@10.0.0.1",
        event: "conference",
        expires: 100,
      },
      {
        onNotify: (body: Uint8Array, request: SipRequest) =>
          heard.push(`${new TextDecoder().decode(body)} ${header(request, "subscription-state")?.split(";")[0]}`),
        onState: (now) => heard.push(now.active ? "on" : `off ${now.status}`),
      },
    );
  return { heard, events, notifiers, watch, server, client, openServer };
}

test("a watcher hears the state at once, each change, and the last word when it unsubscribes", async () => {
  const wire = sipWire();
  const { heard, events, notifiers, watch, client, server } = await open(wire);
  const watcher = watch();
  await wire.clock.advance(100);
  assert.equal(heard.toSorted(), ["full active", "on"]);
  notifiers[0]?.notify(state("changed"));
  await wire.clock.advance(100);
  assert.is(heard.at(-1), "changed active");
  watcher.close();
  await wire.clock.advance(100);
  assert.equal(events, ["end"]);
  const last = wire.sent.map(({ message }) => message).findLast((message) => message.kind === "request");
  assert.match(header(last ?? { headers: [] }, "subscription-state") ?? "", /^terminated;reason=timeout$/);
  assert.is(new TextDecoder().decode(last?.body), "last");
  await Promise.all([client.close(), server.close()]);
  assert.is(wire.clock.pending(), 0);
});

test("a subscription is refreshed before it runs out, and each refresh brings the full state", async () => {
  const wire = sipWire();
  const { heard, events, watch } = await open(wire);
  watch();
  await wire.clock.advance(250_000);
  assert.equal(events, ["refresh", "refresh", "refresh"]);
  assert.equal(heard.filter((word) => word === "on").length, 4);
  assert.is(heard.at(-1), "refreshed active");
});

test("a watcher that vanished costs one NOTIFY, and one that stays silent ends with its time", async () => {
  const wire = sipWire();
  const { events, notifiers, watch } = await open(wire);
  watch();
  await wire.clock.advance(1_000);
  wire.network.kill("10.0.0.2");
  await wire.clock.advance(98_000);
  assert.equal(events, []);
  await wire.clock.advance(2_000);
  assert.equal(events, ["end"], "after 100 s without a refresh");
  notifiers[0]?.notify(state("late"));
  await wire.clock.advance(100_000);
  assert.equal(events, ["end"]);

  const client = await wire.endpoint(phone);
  watch(client);
  await wire.clock.advance(1_000);
  wire.network.kill("10.0.0.2");
  notifiers[1]?.notify(state("unheard"));
  await wire.clock.advance(33_000);
  assert.equal(events, ["end", "end"], "the NOTIFY was not answered");
});

test("while a NOTIFY is unanswered only the latest state waits", async () => {
  const wire = sipWire();
  const { heard, notifiers, watch } = await open(wire);
  watch();
  await wire.clock.advance(100);
  heard.length = 0;
  for (const word of ["one", "two", "three"]) notifiers[0]?.notify(state(word));
  await wire.clock.advance(100);
  assert.equal(heard, ["one active", "three active"]);
});

test("a state that is made when its turn comes is the latest then, and none is made that is not sent", async () => {
  const wire = sipWire();
  const { heard, notifiers, watch } = await open(wire);
  watch();
  await wire.clock.advance(100);
  heard.length = 0;
  let made = 0;
  for (let word = 0; word < 3; word++) notifiers[0]?.notify(() => state(`made ${++made}`));
  await wire.clock.advance(100);
  assert.equal(heard, ["made 1 active", "made 2 active"]);
});

test("headers of a subscription go into each 200 and each NOTIFY of it", async () => {
  const wire = sipWire();
  const { watch, client, server } = await open(wire, (subscribe) => {
    const notifier = subscribe.accept(100, { onRefresh: () => notifier.notify(state("again")), onEnd() {} }, [
      ["subject", "lists"],
    ]);
    notifier.notify(state("full"));
  });
  watch();
  await wire.clock.advance(81_000);
  await Promise.all([client.close(), server.close()]);
  const said = wire.sent.filter(({ from }) => from === serverAddress.host).map(({ message }) => message);
  const kinds = said.map((message) => (message.kind === "request" ? message.method : message.status));
  assert.ok(kinds.filter((kind) => kind === "NOTIFY").length >= 2 && kinds.filter((kind) => kind === 200).length >= 2);
  for (const message of said) assert.is(header(message, "subject"), "lists");
});

test("a watcher is back at once after a notifier that says deactivated, and with a pause after one that fails at once", async () => {
  const wire = sipWire();
  const { heard, notifiers, watch } = await open(wire);
  watch();
  await wire.clock.advance(6_000);
  notifiers[0]?.notify(undefined, { terminated: "deactivated" });
  await wire.clock.advance(50);
  assert.is(notifiers.length, 2, "it had settled");
  notifiers[1]?.notify(undefined, { terminated: "deactivated" });
  await wire.clock.advance(500);
  assert.is(notifiers.length, 2);
  assert.is(heard.at(-1), "off 480");
  await wire.clock.advance(2_000);
  assert.is(notifiers.length, 3);
});

test("a restarted notifier is subscribed to anew by the first refresh", async () => {
  const wire = sipWire();
  const { heard, notifiers, watch, openServer } = await open(wire);
  watch();
  await wire.clock.advance(10_000);
  wire.network.kill("10.0.0.1");
  await openServer();
  await wire.clock.advance(71_000);
  assert.is(notifiers.length, 2);
  assert.is(heard.at(-1) === "on" || heard.at(-1) === "full active", true);
});

test("a refusal for good is told once and never tried again; another is tried again", async () => {
  for (const [status, attempts] of [
    [403, 1],
    [489, 1],
    [503, 5],
  ] as const) {
    const wire = sipWire();
    const { heard, watch } = await open(wire, (subscribe) => subscribe.respond(status));
    watch();
    await wire.clock.advance(60_000);
    assert.ok(status === 503 ? heard.length >= attempts : heard.length === attempts, `${status}: ${heard}`);
    assert.ok(heard.every((word) => word === `off ${status}`));
  }
});

test("a NOTIFY that overtakes the 200 is taken", async () => {
  const wire = sipWire();
  const notifier = await wire.raw({ host: "10.0.0.1", port: 5060 }, phone);
  const heard: string[] = [];
  const client = await wire.endpoint(phone);
  client.watch(
    {
      method: "SUBSCRIBE",
      uri: "sip:group@10.0.0.1",
      from: "sip:a@10.0.0.2",
      to: "sip:group@10.0.0.1",
      event: "conference",
    },
    { onNotify: (body) => heard.push(new TextDecoder().decode(body)), onState: (now) => heard.push(`${now.active}`) },
  );
  await wire.clock.advance(20);
  const subscribe = notifier.received[0] ?? { headers: [] };
  const from = header(subscribe, "from") ?? "";
  const notify = [
    "NOTIFY sip:a@10.0.0.2 SIP/2.0",
    "Via: SIP/2.0/UDP 10.0.0.1:5060;rport;branch=z9hG4bKn",
    `To: ${from}`,
    "From: <sip:group@10.0.0.1>;tag=n",
    `Call-ID: ${header(subscribe, "call-id")}`,
    "CSeq: 1 NOTIFY",
    "Contact: <sip:group@10.0.0.1>",
    "Event: conference",
    "Subscription-State: active;expires=60",
    "Content-Type: text/plain",
  ];
  notifier.send(`${notify.join("\r\n")}\r\n\r\nearly`);
  await wire.clock.advance(20);
  assert.equal(heard, ["early"]);
  assert.equal(notifier.statuses(), [200]);
  const copied = ["via", "from", "call-id", "cseq"].map((name) => `${name}: ${header(subscribe, name)}`);
  const ok = [
    "SIP/2.0 200 OK",
    ...copied,
    "to: <sip:group@10.0.0.1>;tag=n",
    "contact: <sip:group@10.0.0.1>",
    "expires: 60",
  ];
  notifier.send(`${ok.join("\r\n")}\r\n\r\n`);
  await wire.clock.advance(49_000);
  assert.equal(heard, ["early", "true"]);
  const refresh = notifier.received.findLast((message) => message.kind === "request" && message.method === "SUBSCRIBE");
  assert.match(header(refresh ?? { headers: [] }, "to") ?? "", /tag=n/, "refreshed inside the dialog");
  assert.is(header(refresh ?? { headers: [] }, "cseq"), "2 SUBSCRIBE");
});

test("a watcher closed before its subscription was answered ends it all the same", async () => {
  const wire = sipWire();
  const { heard, events, watch } = await open(wire);
  watch().close();
  await wire.clock.advance(1_000);
  assert.equal(events, ["end"]);
  assert.equal(heard, []);
});

test("a poll gets one NOTIFY that ends it", async () => {
  const wire = sipWire();
  const { events } = await open(wire);
  const peer = await wire.raw({ host: "10.0.0.9", port: 5060 });
  peer.send(
    requestText({ method: "SUBSCRIBE", headers: ["Contact: <sip:peer@10.0.0.9>", "Event: conference", "Expires: 0"] }),
  );
  await wire.clock.advance(20);
  assert.equal(peer.statuses(), [200]);
  const notify = peer.received.at(-1);
  assert.match(header(notify ?? { headers: [] }, "subscription-state") ?? "", /terminated;reason=timeout/);
  assert.is(new TextDecoder().decode(notify?.body), "full");
  assert.equal(events, ["end"]);
  const toTag = /tag=(\w+)/.exec(header(notify ?? { headers: [] }, "from") ?? "")?.[1] ?? "";
  peer.send(requestText({ method: "SUBSCRIBE", cseq: 2, toTag, branch: "z9hG4bK2" }));
  await wire.clock.advance(20);
  assert.is(peer.statuses().at(-1), 481, "nothing is left of it");
});

test.run();
