import { answerChallenge } from "../../../firmware/sip/digest.ts";
import type { IncomingInvite, Session, Transport } from "../../../firmware/sip/endpoint.ts";
import { parseNameAddr } from "../../../firmware/sip/header.ts";
import { header, headers, type SipMessage, type SipRequest, type SipResponse } from "../../../firmware/sip/message.ts";
import { responseTo, serialize } from "../../../firmware/sip/serialize.ts";
import { parseUri } from "../../../firmware/sip/uri.ts";
import type { Address } from "../../../hal/network/port.ts";
import { simulatedIdentity } from "../../../hal/network/simulated-tls.ts";
import { openPresencePhone } from "../../support/presence-phone.ts";
import { type RawPeer, refusing, serverAddress } from "../../support/sip-wire.ts";
import { streamPeer } from "../../support/stream-peer.ts";
import { identity, realm, type Site, secureAddress } from "./site.ts";

const decoder = new TextDecoder();
let opened = 0;

/** What a bare terminal says; what is left out is as a good terminal would say it. */
export interface Said {
  readonly method: string;
  /** "ops" */
  readonly uri?: string;
  readonly from?: string;
  readonly to?: string;
  readonly toTag?: string | undefined;
  readonly callId?: string;
  readonly cseq?: number;
  readonly headers?: readonly string[];
  readonly body?: string;
}

export type Proof = Partial<Omit<Parameters<typeof answerChallenge>[0], "challenges">> & {
  readonly algorithm?: "SHA-256" | "MD5";
};

/** A connection to the server as a bare terminal has it. Its address is what the terminal says that it is. */
async function rawConnection({ wire, clock }: Site, address: Address, kind: "tcp" | "tls"): Promise<RawPeer> {
  const machine = wire.network.host(address.host);
  const trust = { authorities: identity.certificate, name: secureAddress.host };
  const connecting = kind === "tcp" ? machine.connect(serverAddress) : machine.connectTls(secureAddress, trust);
  const made = connecting.then(streamPeer);
  await clock.advance(30);
  const { received, send, statuses, close } = await made;
  return {
    address,
    received,
    statuses,
    close,
    send: (text) => send(typeof text === "string" ? text : decoder.decode(text)),
  };
}

/** A terminal made of a bare socket or connection: it says what a test writes, and proves who it is when it is challenged. */
export async function openPeer(
  site: Site,
  user = "alice",
  address = { host: "10.0.0.9", port: 5060 },
  kind: Transport = "udp",
) {
  const { wire, clock } = site;
  const raw = kind === "udp" ? await wire.raw(address) : await rawConnection(site, address, kind);
  let count = 0;
  opened += 1;
  const life = opened;
  const branchOf = (request: number): string => `z9hG4bK-${user}-${life}-${request}`;

  function textOf(said: Said, authorization: readonly string[]): string {
    const { method, uri = method === "REGISTER" ? "" : "ops", body = "" } = said;
    const { from = `sip:${user}@${realm}`, toTag, callId = "call" } = said;
    const { to = method === "REGISTER" ? from : `sip:${uri}@${realm}` } = said;
    count += 1;
    return [
      `${method} sip:${uri === "" ? "" : `${uri}@`}${realm} SIP/2.0`,
      `Via: SIP/2.0/${kind.toUpperCase()} ${address.host}:${address.port};rport;branch=${branchOf(count)}`,
      "Max-Forwards: 70",
      `From: <${from}>;tag=mine`,
      `To: <${to}>${toTag === undefined ? "" : `;tag=${toTag}`}`,
      `Call-ID: ${callId}`,
      `CSeq: ${said.cseq ?? count} ${method}`,
      ...(said.headers ?? [`Contact: <${peer.contact}>`]),
      ...authorization.map((value) => `Authorization: ${value}`),
      `Content-Length: ${body.length}`,
      "",
      body,
    ].join("\r\n");
  }

  const peer = {
    raw,
    contact: `sip:${user}@${address.host}:${address.port}`,
    /** The last request by this method. */
    last: (method: string): SipMessage | undefined =>
      raw.received.findLast((message) => message.kind === "request" && message.method === method),
    /** Says it as it is, and waits for nothing. */
    send: (said: Said, ...authorization: readonly string[]): void => raw.send(textOf(said, authorization)),
    /** Says it as it is, and waits for what comes of it. */
    async say(said: Said, ...authorization: readonly string[]): Promise<SipResponse> {
      peer.send(said, ...authorization);
      const branch = branchOf(count);
      await clock.advance(20);
      const response = raw.received.findLast(
        (message) => message.kind === "response" && header(message, "via")?.includes(`${branch};`),
      );
      if (response?.kind !== "response") throw new Error(`no answer to ${said.method}`);
      return response;
    },
    /** Says it without a proof; gives the challenges. */
    async challenges(said: Said): Promise<readonly string[]> {
      return headers(await peer.say(said), "www-authenticate");
    },
    prove(said: Said, challenges: readonly string[], proof: Proof = {}): string {
      const { uri = said.method === "REGISTER" ? "" : "ops" } = said;
      const { algorithm = "SHA-256", ...changes } = proof;
      const answer = answerChallenge({
        challenges: challenges.filter((challenge) => challenge.includes(`algorithm=${algorithm}`)),
        method: said.method,
        uri: `sip:${uri === "" ? "" : `${uri}@`}${realm}`,
        username: user,
        password: "secret",
        nc: 1,
        cnonce: "c",
        ...changes,
      });
      if (answer === undefined) throw new Error(`no challenge for ${algorithm} in ${challenges}`);
      return answer;
    },
    /** Says it with a proof. */
    async ask(said: Said, proof: Proof = {}): Promise<SipResponse> {
      return peer.say(said, peer.prove(said, await peer.challenges(said), proof));
    },
    /** Answers a request of the server. */
    answer(request: SipMessage | undefined, status: number, body?: string): void {
      if (request?.kind !== "request") throw new Error("no request to answer");
      const response = responseTo(request, status, {
        toTag: "mine",
        headers: [["contact", `<${peer.contact}>`]],
        ...(body !== undefined && { body: { type: "application/sdp", content: body } }),
      });
      raw.send(serialize(response));
    },
  };
  return peer;
}

export type Peer = Awaited<ReturnType<typeof openPeer>>;

/** A terminal with an endpoint of its own, as phones have: it picks up by itself unless it is told otherwise. */
export async function openPhone(site: Site, user = "alice", host = "10.0.0.2", transport: Transport = "udp") {
  const registrar = { transport, remote: transport === "tls" ? secureAddress : serverAddress };
  const invites: SipRequest[] = [];
  const story: string[] = [];
  const notified: string[] = [];
  let session: Session | undefined;
  let ringing: (() => void) | undefined;
  const aor = `sip:${user}@${realm}`;
  const credentials = { username: user, password: "secret" };

  const phone = {
    invites,
    /** What became of each INVITE. */
    story,
    /** The bodies of NOTIFY. */
    notified,
    /** Accept, a status to refuse with, or let it ring. */
    onInvite: "accept" as "accept" | "ring" | number,
    /** Who has called, by the user part of the address. */
    callers: () => invites.map((invite) => parseUri(parseNameAddr(header(invite, "from") ?? "").uri).user),
    hangUp: () => session?.end(),
    /** Picks up what rings. */
    pickUp: () => ringing?.(),
    register: (expires = 300) => endpoint.register({ aor, registrar, credentials, expires, onState() {} }),
    /** `identity`: whose subscription it is, proved as the phone's user. */
    subscribe(talkgroup = "ops", event = "conference", identity = user) {
      const uri = `sip:${talkgroup}@${realm}`;
      const from = `sip:${identity}@${realm}`;
      return endpoint.watch(
        { method: "SUBSCRIBE", uri, from, to: uri, via: registrar, credentials, event },
        {
          onNotify: (body) => void notified.push(decoder.decode(body)),
          onState: (state) => void story.push(state.active ? "subscribed" : `not subscribed: ${state.status}`),
        },
      );
    },
    /** "": without an offer. */
    dial(talkgroup = "ops", offer = "an offer"): Session {
      const uri = `sip:${talkgroup}@${realm}`;
      return endpoint.invite(
        {
          method: "INVITE",
          uri,
          from: aor,
          to: uri,
          via: registrar,
          credentials,
          ...(offer !== "" && { body: { type: "application/sdp", content: offer } }),
        },
        {
          onProgress: (status) => void story.push(`${status}`),
          onAnswer: (response) => void story.push(decoder.decode(response.body)),
          onRefused: (status) => void story.push(`refused: ${status}`),
          onEnd: () => void story.push("hung up"),
        },
      );
    },
  };

  function onInvite(invite: IncomingInvite): void {
    invites.push(invite.request);
    if (typeof phone.onInvite === "number") return invite.respond(phone.onInvite);
    if (phone.onInvite === "ring") {
      invite.respond(180);
      invite.onCancel = () => void story.push("cancelled");
      ringing = () => pickUp(invite);
      return;
    }
    pickUp(invite);
  }

  function pickUp(invite: IncomingInvite): void {
    const content = `answer to ${decoder.decode(invite.request.body)}`;
    session = invite.accept(
      { type: "application/sdp", content },
      { onConfirmed: () => void story.push("in session"), onEnd: () => void story.push("out of session") },
    );
  }

  const tls = { port: 5061, identity: simulatedIdentity(host), authorities: identity.certificate };
  const endpoint = await site.wire.endpoint({ host, port: 5060 }, { ...refusing, onInvite }, { tls });
  site.opened.push(() => endpoint.close());
  return phone;
}

export type Phone = Awaited<ReturnType<typeof openPhone>>;

/** A phone that watches and publishes; its session descriptions are words. */
export async function openCrew(site: Site, user: string, host: string) {
  const { clock, wire } = site;
  const phone = await openPresencePhone(
    { clock, network: wire.network },
    { user, password: "secret", realm, host, server: serverAddress },
  );
  site.opened.push(() => phone.endpoint.close());
  return phone;
}
