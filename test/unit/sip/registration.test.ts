import { test } from "uvu";
import * as assert from "uvu/assert";
import { digestGuard, type Ha1Lookup, ha1 } from "../../../firmware/sip/digest.ts";
import type { Endpoint, Incoming, Transport } from "../../../firmware/sip/endpoint.ts";
import { header, type SipRequest } from "../../../firmware/sip/message.ts";
import { simulatedIdentity } from "../../../hal/network/simulated-tls.ts";
import { seededRandom } from "../../../hal/random/seeded.ts";
import { refusing, serverAddress, sipWire } from "../../support/sip-wire.ts";

const phone = { host: "10.0.0.2", port: 5060 };
const tls = { port: 5061, identity: simulatedIdentity(serverAddress.host) };
type Wire = ReturnType<typeof sipWire>;

interface Registrar {
  /** Requests accepted, in order. */
  readonly accepted: SipRequest[];
  readonly endpoint: Endpoint;
}

/** A registrar that knows alice, and forgets its nonces when it is opened again. */
async function registrar(
  wire: Wire,
  options: { seed?: number; least?: number; ttlMs?: number } = {},
): Promise<Registrar> {
  const { seed = 1, least = 0, ttlMs = 3_600_000 } = options;
  const accepted: SipRequest[] = [];
  const guard = digestGuard({
    realm: "example.org",
    clock: wire.clock,
    random: seededRandom(seed),
    algorithms: ["SHA-256", "MD5"],
    ttlMs,
  });

  function challenge(incoming: Incoming, source: string, stale: boolean): void {
    const values = guard.challenges(source, stale).map((value) => ["www-authenticate", value] as const);
    incoming.respond(401, { headers: values });
  }

  function onRequest(incoming: Incoming): void {
    const { request, flow } = incoming;
    const source = `${flow.remote.host}:${flow.remote.port}`;
    const authorization = header(request, "authorization");
    if (authorization === undefined) return challenge(incoming, source, false);
    const claim = guard.read(request, authorization, source);
    const secretOf: Ha1Lookup = (username, algorithm) =>
      username === "alice" ? ha1("alice", "example.org", "secret", algorithm) : undefined;
    const verdict = claim.ok ? guard.prove(claim, secretOf) : claim;
    if (!verdict.ok) return challenge(incoming, source, verdict.stale);
    const expires = Number(header(request, "expires"));
    if (expires > 0 && expires < least) return incoming.respond(423, { headers: [["min-expires", `${least}`]] });
    accepted.push(request);
    incoming.respond(200, { headers: [["contact", `${header(request, "contact")};expires=${expires}`]] });
  }

  return { accepted, endpoint: await wire.endpoint(serverAddress, { ...refusing, onRequest }, { tls }) };
}

function registering(told: unknown[], transport: Transport = "udp", password = "secret") {
  return {
    aor: "sip:alice@example.org",
    registrar: { transport, remote: transport === "tls" ? { ...serverAddress, port: tls.port } : serverAddress },
    credentials: { username: "alice", password },
    expires: 100,
    onState: (state: { registered: boolean; status?: number }) =>
      told.push(state.registered ? "registered" : state.status),
  };
}

function cseqs(requests: readonly SipRequest[]): number[] {
  return requests.map((request) => Number.parseInt(header(request, "cseq") ?? "", 10));
}

test("a registration answers the challenge, and refreshes at 80 % in the same series without being challenged again", async () => {
  const wire = sipWire();
  const { accepted } = await registrar(wire);
  const told: unknown[] = [];
  const client = await wire.endpoint(phone);
  client.register(registering(told));
  await wire.clock.advance(79_000);
  assert.equal(told, ["registered"]);
  assert.is(accepted.length, 1);
  await wire.clock.advance(2_000);
  await wire.clock.advance(80_000);
  assert.is(accepted.length, 3);
  assert.is(wire.count("10.0.0.1", 401), 1);
  assert.is(new Set(accepted.map((request) => header(request, "call-id"))).size, 1);
  assert.equal(cseqs(accepted), [2, 3, 4]);
});

test("a stale nonce is answered anew at once", async () => {
  const wire = sipWire();
  const { accepted } = await registrar(wire, { ttlMs: 60_000 });
  const told: unknown[] = [];
  const client = await wire.endpoint(phone);
  client.register(registering(told));
  await wire.clock.advance(81_000);
  assert.is(accepted.length, 2);
  assert.equal(told, ["registered", "registered"]);
  assert.is(wire.count("10.0.0.1", 401), 2);
});

test("a wrong password is tried again with growing pauses of at most 30 s, never in a loop", async () => {
  const wire = sipWire();
  await registrar(wire);
  const told: unknown[] = [];
  const client = await wire.endpoint(phone);
  client.register(registering(told, "udp", "wrong"));
  await wire.clock.advance(600_000);
  assert.ok(told.every((status) => status === 401));
  assert.ok(told.length >= 20 && told.length <= 50, `${told.length} attempts in ten minutes`);
});

test("a registrar that went away and came back has the binding again within 30 s", async () => {
  const wire = sipWire();
  await registrar(wire);
  const told: unknown[] = [];
  const client = await wire.endpoint(phone);
  client.register(registering(told));
  await wire.clock.advance(1_000);
  wire.network.kill("10.0.0.1");
  await wire.clock.advance(300_000);
  assert.is(told.at(-1), 408);
  const { accepted } = await registrar(wire, { seed: 2 });
  await wire.clock.advance(62_000);
  assert.is(told.at(-1), "registered");
  assert.ok(accepted.length > 0);
});

for (const transport of ["tcp", "tls"] as const)
  test(`over ${transport} a lost connection is noticed at once, and the binding is made again over a new one`, async () => {
    const wire = sipWire();
    const first = await registrar(wire);
    const told: unknown[] = [];
    const client = await wire.endpoint(phone, refusing, { tls: { ...tls, authorities: tls.identity.certificate } });
    client.register(registering(told, transport));
    await wire.clock.advance(1_000);
    assert.equal(told, ["registered"]);
    assert.match(header(first.accepted[0] ?? { headers: [] }, "contact") ?? "", `transport=${transport}`);
    first.endpoint.close();
    await wire.clock.advance(1_000);
    assert.is(told[1], 503);
    const second = await registrar(wire, { seed: 2 });
    await wire.clock.advance(30_000);
    assert.is(told.at(-1), "registered");
    assert.is(second.accepted.length, 1);
  });

test("a registrar's shortest time is honoured at once", async () => {
  const wire = sipWire();
  const { accepted } = await registrar(wire, { least: 200 });
  const told: unknown[] = [];
  const client = await wire.endpoint(phone);
  client.register(registering(told));
  await wire.clock.advance(1_000);
  assert.equal(told, ["registered"]);
  assert.is(header(accepted[0] ?? { headers: [] }, "expires"), "200");
});

test("closing removes the binding, and waits one second at most for a registrar that is gone", async () => {
  const wire = sipWire();
  const { accepted, endpoint } = await registrar(wire);
  const client = await wire.endpoint(phone);
  const registration = client.register(registering([]));
  await wire.clock.advance(1_000);
  let closed = false;
  registration.close().then(() => {
    closed = true;
  });
  await wire.clock.advance(100);
  assert.ok(closed);
  assert.is(header(accepted.at(-1) ?? { headers: [] }, "expires"), "0");

  const other = client.register(registering([]));
  await wire.clock.advance(1_000);
  wire.network.kill("10.0.0.1");
  closed = false;
  other.close().then(() => {
    closed = true;
  });
  await wire.clock.advance(900);
  assert.not(closed);
  await wire.clock.advance(200);
  assert.ok(closed);
  await Promise.all([client.close(), endpoint.close()]);
  assert.is(wire.clock.pending(), 0);
});

test.run();
