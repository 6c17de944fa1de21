import { type AgentOptions, openAgent } from "../../../firmware/agent/agent.ts";
import type { Log } from "../../../firmware/log.ts";
import { digestGuard, ha1 } from "../../../firmware/sip/digest.ts";
import type {
  Incoming,
  IncomingSubscribe,
  Notifier,
  OutgoingRequest,
  Session,
} from "../../../firmware/sip/endpoint.ts";
import { parseContactList } from "../../../firmware/sip/header.ts";
import { header, headers } from "../../../firmware/sip/message.ts";
import { legOffer, readAnswer } from "../../../firmware/sip/negotiation.ts";
import { parseUri } from "../../../firmware/sip/uri.ts";
import type { Opus } from "../../../hal/opus/port.ts";
import { seededRandom } from "../../../hal/random/seeded.ts";
import { nodeSrtp } from "../../../hal/srtp/node.ts";
import { refusing, serverAddress, sipWire } from "../../support/sip-wire.ts";
import { openFarEnd } from "./far-end.ts";

type Wire = ReturnType<typeof sipWire>;

export const agentHost = "10.0.0.2";

/**
 * A presence and conference server by script: it asks for a digest, wants a binding before a subscription, and answers
 * a subscription with an INVITE. It forgets everything when it is opened again. Of private calls it knows nothing, unless told so.
 */
export async function openServer(
  wire: Wire,
  options: { readonly seed?: number; readonly rtpPort?: number; readonly direct?: number } = {},
) {
  const { seed = 1, rtpPort = 30_000 } = options;
  const random = seededRandom(seed);
  const guard = digestGuard({ realm: "example.org", clock: wire.clock, random, algorithms: ["SHA-256"] });
  const openFar = (port: number) =>
    openFarEnd(
      { clock: wire.clock, network: wire.network.host(serverAddress.host) },
      { host: serverAddress.host, port },
    );
  const far = await openFar(rtpPort);
  const farDirect = await openFar(rtpPort + 2);
  /** What was accepted, and what came of each INVITE. */
  const story: string[] = [];
  const answers: string[] = [];
  let bound = false;
  let contact = "";
  let notifier: Notifier | undefined;
  let session: Session | undefined;
  let directSession: Session | undefined;

  function proven(incoming: Incoming): boolean {
    const source = `${incoming.flow.remote.host}:${incoming.flow.remote.port}`;
    const given = header(incoming.request, "authorization");
    const claim = given === undefined ? undefined : guard.read(incoming.request, given, source);
    const verdict = claim?.ok
      ? guard.prove(claim, (user, algorithm) =>
          user === "panel" ? ha1(user, "example.org", "secret", algorithm) : undefined,
        )
      : claim;
    if (verdict?.ok) return true;
    const stale = verdict?.stale ?? false;
    incoming.respond(401, {
      headers: guard.challenges(source, stale).map((value) => ["www-authenticate", value] as const),
    });
    return false;
  }

  /** Of what is published; another one each time. */
  let etag: string | undefined;

  function onPublish(incoming: Incoming): void {
    const { request } = incoming;
    const match = header(request, "sip-if-match");
    if (match !== etag) return incoming.respond(412);
    const expires = header(request, "expires") ?? "";
    story.push(expires === "0" ? "status taken back" : match === undefined ? "status published" : "status refreshed");
    etag = expires === "0" ? undefined : random.token(4);
    incoming.respond(200, {
      headers: [
        ["sip-etag", etag ?? "none"],
        ["expires", expires],
      ],
    });
  }

  function onRequest(incoming: Incoming): void {
    if (incoming.request.method === "PUBLISH") return proven(incoming) ? onPublish(incoming) : undefined;
    if (incoming.request.method !== "REGISTER") return incoming.respond(405);
    if (!proven(incoming)) return;
    const expires = Number(header(incoming.request, "expires"));
    const contacts = parseContactList(headers(incoming.request, "contact"));
    contact = contacts === "*" ? "" : (contacts[0]?.uri ?? "");
    bound = expires > 0;
    story.push(expires === 0 ? "unregistered" : "registered");
    if (expires === 0) server.onUnregistered();
    incoming.respond(200, { headers: [["contact", `${header(incoming.request, "contact")};expires=${expires}`]] });
  }

  function onSubscribe(subscribe: IncomingSubscribe): void {
    if (!proven(subscribe)) return;
    if (!bound) return subscribe.respond(403);
    if (parseUri(subscribe.request.uri).user === "direct") return onDirect(subscribe);
    story.push(`subscribed to ${header(subscribe.request, "to")?.split(";")[0]}`);
    notifier = subscribe.accept(subscribe.expires ?? 600, {
      onRefresh() {},
      onEnd: () => story.push("unsubscribed"),
    });
    notifier.notify({ type: "application/conference-info+xml", content: "<conference-info/>" });
    if (server.invites) server.invite();
  }

  function onDirect(subscribe: IncomingSubscribe): void {
    const { direct } = server;
    direct.asked.push(wire.clock.now());
    if (direct.status !== 200) return subscribe.respond(direct.status);
    const notifier = subscribe.accept(subscribe.expires ?? 600, { onRefresh() {}, onEnd() {} });
    notifier.notify({ type: "application/conference-info+xml", content: "<conference-info/>" });
    if (direct.invites) direct.invite();
  }

  const endpoint = await wire.endpoint(serverAddress, { ...refusing, onRequest, onSubscribe });

  const server = {
    far,
    story,
    answers,
    /** Whether a subscription is answered with an INVITE. */
    invites: true,
    onUnregistered() {},
    /** INVITEs the terminal. */
    invite(change: { readonly from?: string; readonly sdp?: (offer: string) => string } = {}): void {
      const { from = "sip:crew@example.org", sdp = (offer) => offer } = change;
      const out: OutgoingRequest = {
        method: "INVITE",
        uri: contact,
        from,
        to: "sip:panel@example.org",
        body: { type: "application/sdp", content: sdp(legOffer(far.local, "1")) },
      };
      session = endpoint.invite(out, {
        onAnswer(response) {
          const answer = new TextDecoder().decode(response.body);
          answers.push(answer);
          story.push("session");
          far.meet(readAnswer(answer).audio);
        },
        onRefused: (status) => story.push(`refused ${status}`),
        onEnd: () => story.push("hung up"),
      });
    },
    bye: () => session?.end(),
    /** The service of private calls. */
    direct: {
      far: farDirect,
      /** What a subscription is answered with. */
      status: options.direct ?? 404,
      /** Whether an accepted one is followed by an INVITE. */
      invites: true,
      /** When subscriptions were asked for. */
      asked: [] as number[],
      /** What came of each INVITE. */
      story: [] as string[],
      invite(): void {
        const { story } = server.direct;
        const out: OutgoingRequest = {
          method: "INVITE",
          uri: contact,
          from: "sip:direct@example.org",
          to: "sip:panel@example.org",
          body: { type: "application/sdp", content: legOffer(farDirect.local, "2") },
        };
        directSession = endpoint.invite(out, {
          onAnswer(response) {
            story.push("session");
            farDirect.meet(readAnswer(new TextDecoder().decode(response.body)).audio);
          },
          onRefused: (status) => story.push(`refused ${status}`),
          onEnd: () => story.push("hung up"),
        });
      },
      bye: () => directSession?.end(),
    },
    terminate: (reason: string) => notifier?.notify(undefined, { terminated: reason }),
    /** As at an orderly shutdown. */
    close: () => {
      far.close();
      farDirect.close();
      return endpoint.close();
    },
  };
  return server;
}

/** What an agent tells, and what it logs. */
export function listener() {
  const told: string[] = [];
  const logged: string[] = [];
  const write = (_: object, message: string): void => void logged.push(message);
  const log: Log = { debug: write, info: write, warn: write, error: write };
  const signals = {
    ready: (ready: boolean) => void told.push(ready ? "ready" : "not ready"),
    permit: () => void told.push("permit"),
    queued: (position: number) => void told.push(`queued ${position}`),
    warned: () => void told.push("warned"),
    urgent: (urgency: string) => void told.push(urgency),
    unkeyed: () => void told.push("unkeyed"),
    denied: () => void told.push("denied"),
    revoked: () => void told.push("revoked"),
    listening: (party: string | undefined) => void told.push(party === undefined ? "silence" : `hears ${party}`),
    called: (party: string | undefined) => void told.push(party === undefined ? "call over" : `called by ${party}`),
    statusShown: (shown: boolean) => void told.push(shown ? "status shown" : "status not shown"),
  };
  return { told, logged, log, signals };
}

export const options: AgentOptions = {
  user: "panel",
  password: "secret",
  realm: "example.org",
  talkgroup: "crew",
  range: { host: agentHost, first: 20_000, last: 20_099 },
  server: serverAddress,
  priority: 5,
  talkWarningMs: 5_000,
  bitrate: 24_000,
};

/** An agent whose session stands, and its server. `direct`: what the server answers a subscription to private calls with. */
export async function openBoth(opus: Opus, { direct = 404 }: { readonly direct?: number } = {}) {
  const wire = sipWire();
  const server = await openServer(wire, { direct });
  const { told, logged, log, signals } = listener();
  const ports = {
    clock: wire.clock,
    random: seededRandom(7),
    network: wire.network.host(agentHost),
    opus,
    srtp: nodeSrtp(),
    log,
  };
  const agent = await openAgent(ports, options, signals);
  await wire.clock.advance(200);
  return { wire, clock: wire.clock, server, far: server.far, agent, told, logged };
}
