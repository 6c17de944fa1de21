/** Terminals that do as they like: phones with an endpoint, and one of bare messages that re-offers and refers inside its sessions. */
import type { IncomingInvite, Registration, Session, Watcher } from "../../../firmware/sip/endpoint.ts";
import { header, headers, type SipMessage, type SipRequest } from "../../../firmware/sip/message.ts";
import type { Dice } from "../../fuzz/dice.ts";
import { refusing, serverAddress } from "../../support/sip-wire.ts";
import { realm, type Site } from "./site.ts";
import { openPeer, type Said } from "./terminals.ts";

const sdp = (content: string) => ({ type: "application/sdp", content }) as const;
const listOf = (users: readonly string[]): string =>
  `<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"><list>${users
    .map((user) => `<entry uri="sip:${user}@${realm}"/>`)
    .join("")}</list></resource-lists>`;

/** Whom and what one may dial, and by what a REFER may be sent. */
const targets = [
  "alice",
  "bob",
  "carol",
  "erin",
  "frank",
  "ops",
  "fire",
  "*76",
  "*77",
  "*78",
  "*79",
  "91001",
  "nobody",
];
const people = ["alice", "bob", "carol", "erin", "frank", "91001", "91002", "nobody"];
const places = ["direct", "direct", "ops", "fire"];

export interface Referring {
  readonly at: string;
  readonly headers: readonly string[];
  readonly body: string;
}

/** One target, or a list of several. */
export function referring(dice: Dice): Referring {
  const at = dice.oneOf(places);
  if (dice.chance(0.4)) return { at, headers: [`Refer-To: <sip:${dice.oneOf(people)}@${realm}>`], body: "" };
  const users = people.filter(() => dice.chance(0.5));
  const how = ["Refer-To: <cid:list>", "Require: multiple-refer", "Content-ID: <list>"];
  return { at, headers: [...how, "Content-Type: application/resource-lists+xml"], body: listOf(users) };
}

export interface Turmoiler {
  readonly user: string;
  readonly host: string;
  /** Whether it wants to be registered, and to have a session with the service of direct calls. */
  wants(): { readonly registered: boolean; readonly direct: boolean };
  act(): void;
  /** It hangs up on everything, and behaves from now on. */
  settle(): void;
  /** Dials somebody, well-behaved. */
  dial(user: string): Session;
  /** It is done with everything. */
  leave(): void;
}

export async function openTurmoiler(
  site: Site,
  dice: Dice,
  at: { readonly user: string; readonly host: string; readonly transport: "udp" | "tcp" },
): Promise<Turmoiler> {
  const { user, host, transport } = at;
  const { clock } = site;
  const registrar = { transport, remote: serverAddress };
  const aor = `sip:${user}@${realm}`;
  const credentials = { username: user, password: "secret" };
  const sessions = new Set<Session>();
  let registration: Registration | undefined;
  let watcher: Watcher | undefined;
  let isWild = true;

  function take(invite: IncomingInvite): void {
    const session = invite.accept(sdp("answer"), { onConfirmed() {}, onEnd: () => sessions.delete(session) });
    sessions.add(session);
  }

  function onInvite(invite: IncomingInvite): void {
    if (!isWild) return take(invite);
    let isOver = false;
    invite.onCancel = () => {
      isOver = true;
    };
    const later = (ms: number, deed: () => void): void => void clock.after(dice.below(ms), () => !isOver && deed());
    const refuse = (): void => {
      isOver = true;
      invite.respond(dice.oneOf([480, 486, 488, 603]));
    };
    const pickUp = (): void => {
      isOver = true;
      take(invite);
    };
    for (let rings = dice.below(3); rings > 0; rings--) later(2_000, () => invite.respond(180));
    if (dice.chance(0.6)) return pickUp();
    if (dice.chance(0.3)) return refuse();
    if (dice.chance(0.8)) later(90_000, dice.oneOf([pickUp, pickUp, refuse]));
  }

  const endpoint = await site.wire.endpoint({ host, port: 5060 }, { ...refusing, onInvite });
  site.opened.push(() => endpoint.close());

  function dial(target: string): Session {
    const uri = `sip:${target}@${realm}`;
    const over = (): void => void sessions.delete(session);
    const session = endpoint.invite(
      { method: "INVITE", uri, from: aor, to: uri, via: registrar, credentials, body: sdp("offer") },
      { onAnswer() {}, onRefused: over, onEnd: over },
    );
    sessions.add(session);
    return session;
  }

  function refer(): void {
    const { at: place, headers: lines, body } = referring(dice);
    const pairs = lines.map((line): [string, string] => [
      line.slice(0, line.indexOf(":")),
      line.slice(line.indexOf(":") + 2),
    ]);
    const [, type = ""] = pairs.find(([name]) => name === "Content-Type") ?? [];
    endpoint.request(
      {
        ...{
          method: "REFER",
          uri: `sip:${place}@${realm}`,
          from: aor,
          to: `sip:${place}@${realm}`,
          via: registrar,
          credentials,
        },
        headers: pairs
          .filter(([name]) => name !== "Content-Type")
          .map(([name, value]) => [name.toLowerCase(), value] as const),
        ...(body !== "" && { body: { type, content: body } }),
      },
      () => {},
    );
  }

  const register = (): void => {
    registration ??= endpoint.register({ aor, registrar, credentials, expires: 600, onState() {} });
  };
  const subscribe = (): void => {
    const uri = `sip:direct@${realm}`;
    watcher ??= endpoint.watch(
      { method: "SUBSCRIBE", uri, from: aor, to: uri, via: registrar, credentials, event: "conference" },
      { onNotify() {}, onState() {} },
    );
  };
  const unregister = (): void => {
    void registration?.close();
    registration = undefined;
  };
  const unsubscribe = (): void => {
    watcher?.close();
    watcher = undefined;
  };
  function hangUp(): void {
    const [session] = sessions;
    if (session === undefined) return;
    sessions.delete(session);
    session.end();
  }

  const deeds = [
    ...[register, register, register, subscribe, subscribe, unregister, unsubscribe],
    ...[hangUp, hangUp, hangUp, refer, refer],
    ...Array.from({ length: 5 }, () => () => void dial(dice.oneOf(targets))),
  ];

  return {
    user,
    host,
    wants: () => ({ registered: registration !== undefined, direct: watcher !== undefined }),
    act: () => dice.oneOf(deeds)(),
    settle() {
      isWild = false;
      while (sessions.size > 0) hangUp();
    },
    dial,
    leave() {
      unregister();
      unsubscribe();
      while (sessions.size > 0) hangUp();
    },
  };
}

/** A terminal that acknowledges only what it likes, holds and resumes, and refers inside sessions and outside. */
export async function openBareTerminal(site: Site, dice: Dice, user: string, host: string) {
  const peer = await openPeer(site, user, { host, port: 5060 });
  /** What was said, by CSeq, to be said again with a proof. */
  const said = new Map<string, Said>();
  const answered = new Set<string>();
  let dialogs: { readonly callId: string; readonly to: string; readonly toTag: string }[] = [];
  let isWild = true;
  let read = 0;
  let count = 0;

  function say(what: Said, ...proof: readonly string[]): void {
    count += 1;
    const cseq = 1_000 + count;
    said.set(`${cseq} ${what.method}`, what);
    peer.send({ ...what, cseq }, ...proof);
  }

  function answer(request: SipRequest): void {
    const id = `${header(request, "call-id")} ${header(request, "cseq")}`;
    if (request.method === "ACK" || (isWild && dice.chance(0.2))) return;
    const isInvite = request.method === "INVITE";
    if (isInvite && isWild && dice.chance(0.4)) return peer.answer(request, dice.oneOf([180, 486, 480]));
    if (!isInvite) return peer.answer(request, 200);
    peer.answer(request, 200, "answer");
    if (answered.has(id)) return;
    answered.add(id);
    const from = header(request, "from") ?? "";
    const [, to = "", toTag = ""] = /<([^>]+)>.*;tag=([^;]+)/.exec(from) ?? [];
    dialogs.push({ callId: header(request, "call-id") ?? "", to, toTag });
  }

  function hear(message: SipMessage): void {
    if (message.kind === "request") return answer(message);
    const cseq = header(message, "cseq") ?? "";
    const what = said.get(cseq);
    if (message.status === 401 && what) {
      said.delete(cseq);
      say(what, peer.prove(what, headers(message, "www-authenticate")));
    }
    if (what?.method !== "INVITE" || message.status < 200 || (isWild && dice.chance(0.2))) return;
    peer.send({ ...what, method: "ACK", cseq: Number.parseInt(cseq, 10), body: "" });
  }

  function inside(method: string, more: Partial<Said> = {}): void {
    if (dialogs.length > 0) say({ method, uri: "", ...dice.oneOf(dialogs), ...more });
  }
  const withSdp = { headers: [`Contact: <${peer.contact}>`, "Content-Type: application/sdp"] };

  function refer(isInside: boolean): void {
    const { at, headers: lines, body } = referring(dice);
    const parts = { body, headers: [`Contact: <${peer.contact}>`, ...lines] };
    if (isInside) return inside("REFER", { ...parts, uri: at });
    count += 1;
    say({ method: "REFER", uri: at, callId: `refer-${count}`, ...parts });
  }

  function hangUp(): void {
    const [dialog] = dialogs;
    if (!dialog) return;
    dialogs = dialogs.slice(1);
    say({ method: "BYE", uri: "", ...dialog });
  }

  const deeds = [
    ...[() => refer(false), () => refer(false), () => refer(true), hangUp],
    () => inside("INVITE", { ...withSdp, body: dice.oneOf(["hold", "resume", "bad"]) }),
    () => inside("UPDATE", { ...withSdp, body: "hold" }),
    () => inside("INFO", { headers: ["Content-Type: application/dtmf-relay"], body: "Signal=5" }),
    () => say({ method: "REGISTER", headers: [`Contact: <${peer.contact}>`, `Expires: ${dice.oneOf([60, 60, 0])}`] }),
  ];

  return {
    /** Hears what has come. */
    listen(): void {
      const { received } = peer.raw;
      for (; read < received.length; read++) {
        const message = received[read];
        if (message) hear(message);
      }
    },
    act: () => dice.oneOf(deeds)(),
    settle() {
      isWild = false;
      while (dialogs.length > 0) hangUp();
    },
  };
}
