/** A PBX on the simulated wire: a registrar that asks for a proof, and extensions that call and are called. */
import type { ExchangeSettings } from "../../../firmware/presence/exchange.ts";
import { digestGuard, ha1 } from "../../../firmware/sip/digest.ts";
import type { Flow, Incoming, IncomingInvite, Session, Transport } from "../../../firmware/sip/endpoint.ts";
import { parseContactList } from "../../../firmware/sip/header.ts";
import { header, headers, type SipRequest } from "../../../firmware/sip/message.ts";
import { simulatedIdentity } from "../../../hal/network/simulated-tls.ts";
import { seededRandom } from "../../../hal/random/seeded.ts";
import { refusing, serverAddress } from "../../support/sip-wire.ts";
import { identity, type Site, secureAddress } from "./site.ts";

export const pbxAddress = { host: "10.0.0.50", port: 5060 };
export const pbxIdentity = simulatedIdentity(pbxAddress.host);
const login = { user: "roger", realm: "pbx.example", password: "of the pbx" };

export function exchangeAt(changes: Partial<ExchangeSettings> = {}): ExchangeSettings {
  return {
    name: "pbx",
    server: { ...pbxAddress, transport: "udp" },
    domain: "pbx.example",
    user: login.user,
    password: login.password,
    register: true,
    numbers: new Map([
      ["8000", "ops"],
      ["8001", "alice"],
      ["8002", "nobody"],
    ]),
    priority: 5,
    calls: 2,
    dialOut: "9",
    ...changes,
  };
}

/** What an extension says; what is left out is as a registrar's proxy says it. */
export interface PbxCall {
  readonly number?: string;
  readonly uri?: string;
  readonly from?: string;
  readonly to?: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
}

export async function openPbx(site: Site, shown = pbxIdentity) {
  const { clock, wire } = site;
  const random = seededRandom(50);
  const guard = digestGuard({ clock, random, realm: login.realm, algorithms: ["MD5"] });
  const story: string[] = [];
  const called = new Set<Session>();
  const requests: SipRequest[] = [];
  const registrations: { readonly at: number; readonly proven: boolean }[] = [];

  function isProven({ request, flow }: Incoming): boolean {
    const [credentials] = headers(request, request.method === "INVITE" ? "proxy-authorization" : "authorization");
    if (credentials === undefined) return false;
    const claim = guard.read(request, credentials, flow.remote.host);
    return claim.ok && guard.prove(claim, (user, algorithm) => ha1(user, login.realm, pbx.password, algorithm)).ok;
  }

  /** Its extensions are called. */
  function onInvite(invite: IncomingInvite): void {
    if (!isProven(invite)) {
      const challenges = guard.challenges(invite.flow.remote.host, false, ["MD5"]);
      return invite.respond(407, { headers: challenges.map((value) => ["proxy-authenticate", value] as const) });
    }
    requests.push(invite.request);
    if (pbx.onInvite !== "accept") return invite.respond(pbx.onInvite);
    const answer = { type: "application/sdp", content: "an answer" };
    const session = invite.accept(answer, {
      onConfirmed() {},
      onEnd() {
        called.delete(session);
        story.push("out of session");
      },
    });
    called.add(session);
  }

  function onRequest(incoming: Incoming): void {
    const { request } = incoming;
    requests.push(request);
    if (request.method !== "REGISTER") return incoming.respond(405);
    const proven = isProven(incoming);
    registrations.push({ at: clock.now(), proven });
    if (!proven) {
      const challenges = guard.challenges(incoming.flow.remote.host, false, ["MD5"]);
      return incoming.respond(401, { headers: challenges.map((value) => ["www-authenticate", value] as const) });
    }
    const contacts = parseContactList(headers(request, "contact"));
    pbx.flow = incoming.flow;
    if (contacts !== "*" && header(request, "expires") !== "0") pbx.contact = contacts[0]?.uri ?? "";
    incoming.respond(200, { headers: [["expires", header(request, "expires") ?? "60"]] });
  }

  const pbx = {
    story,
    registrations,
    requests,
    /** Of an extension that is called; `hangUp`: of all that are. */
    onInvite: "accept" as "accept" | number,
    hangUp() {
      for (const session of called) session.end();
      called.clear();
    },
    password: login.password,
    /** Where the gateway said that it is. */
    contact: "",
    /** By which it registered last. */
    flow: undefined as Flow | undefined,
    /** An extension calls. */
    dial({ number = "8000", ...said }: PbxCall = {}, by: Transport | Flow = "udp"): Session {
      const remote = by === "tls" ? secureAddress : serverAddress;
      return endpoint.invite(
        {
          method: "INVITE",
          uri: said.uri ?? `sip:${number}@${serverAddress.host}`,
          from: said.from ?? "sip:1001@pbx.example",
          to: said.to ?? `sip:${number}@pbx.example`,
          via: typeof by === "string" ? { transport: by, remote } : by,
          headers: said.headers ?? [],
          body: { type: "application/sdp", content: "an offer" },
        },
        {
          onAnswer: () => void story.push("answered"),
          onRefused: (status) => void story.push(`refused: ${status}`),
          onEnd: () => void story.push("hung up"),
        },
      );
    },
    close: () => endpoint.close(),
  };

  const endpoint = await wire.endpoint(
    pbxAddress,
    { ...refusing, onRequest, onInvite },
    { tls: { port: 5061, identity: shown, authorities: identity.certificate } },
  );
  site.opened.push(() => endpoint.close());
  return pbx;
}

export type Pbx = Awaited<ReturnType<typeof openPbx>>;
