/**
 * One leg that scans (scan.ts): it is a member of its home's call, and hears one call at a time, its home's or another's. To that one
 * it is a listener, who counts for nothing there: neither for who is in it nor for how long it stands. Who hears what is settled as
 * bursts begin and end; between them the leg is simply in the fan-out of the call that it hears.
 *
 * What its user says goes to its home, whatever is heard: a talkgroup that somebody answers in by mistake is worse than one that has to
 * be chosen. Where the user wants that, an answer within the hang time goes where the burst was, and makes the leg a member there until
 * it hears something else.
 */
import type { Clock } from "../../hal/clock/port.ts";
import { denyCause, type FloorMessage, queuePosition, revokeCause } from "../floor/message.ts";
import { run } from "../machine.ts";
import type { Call, Leg } from "./contract.ts";
import type { ScanOptions } from "./protocol.ts";
import { initialScan, scan } from "./scan.ts";

export interface Scanning {
  /** The leg has joined the call of its home: it hears what is said elsewhere. Called once, before anything else but `told`. */
  begin(): void;
  /** Somebody talks in a call, or nobody does any more; told before the first word passes. */
  floor(talkgroup: string, talks: boolean): void;
  /** What the leg is told of what that call would tell it; undefined: nothing. */
  told(talkgroup: string, message: FloorMessage): FloorMessage | undefined;
  /** The call that its user speaks in; `asks`: and asks for the floor of. */
  speaksIn(asks?: boolean): Call;
  /** Whether anybody is heard in what it hears. */
  isLive(): boolean;
  /** The leg has negotiated anew; `before`: what its terminal did and knew. */
  renegotiated(before: Parameters<Call["renegotiated"]>[1]): void;
  /** A talkgroup is no more. */
  closed(talkgroup: string): void;
  /** It leaves its home. */
  close(): void;
}

/** A leg that is about to join the call of its home. `callOf` undefined: there is no such talkgroup now. */
export function scanning(
  ports: { readonly clock: Clock },
  leg: Leg,
  home: Call,
  options: ScanOptions,
  callOf: (talkgroup: string) => Call | undefined,
): Scanning {
  const { clock } = ports;
  const { name } = home.settings;
  const { groups, priority, hangMs, answerBack } = options;
  const listed = [name, ...groups.map(({ talkgroup }) => talkgroup)];
  let heard = home;
  /** Where it has been a member to answer. */
  let answers: Call | undefined;
  /** It was told its place in the queue there. */
  let waits = false;
  let sequence = 0;
  /** The last Taken, which may come twice at a time: for what it hears is new to it, and for a burst is. */
  let taken = { party: "", at: Number.NEGATIVE_INFINITY };

  const machine = run(scan({ home: name, priority, hangMs }), initialScan(name), clock, ({ group }) => {
    if (heard !== answers) heard.hear(leg, false);
    // Who answers is a member like any other, until now.
    else answers.leave(leg);
    answerNoMore();
    heard = callOf(group) ?? home;
    // Who has just been granted the floor knows whose it is.
    heard.hear(leg, true, machine.state().in !== "talking");
  });

  function answerNoMore(): void {
    answers = undefined;
    // Whose turn never comes does not wait for it.
    if (waits) leg.sendFloor({ type: "deny", cause: denyCause.other });
    waits = false;
  }

  function cut(): void {
    if (leg.hasFloor()) leg.sendFloor({ type: "revoke", cause: revokeCause.other });
    else leg.play("revoke");
  }

  function floor(talkgroup: string, talks: boolean): void {
    if (listed.includes(talkgroup)) machine.send({ type: talks ? "burst" : "quiet", group: talkgroup });
  }

  /** A telephone's display has room for a name: "sip:bob@example.org;group=harbour". */
  const shown = (party: string): string =>
    heard === home || party === "" ? party : `${party};group=${heard.settings.name}`;

  return {
    begin() {
      for (const group of listed) if (callOf(group)?.talks()) floor(group, true);
    },
    floor,
    told(talkgroup, message) {
      const { name: tuned } = heard.settings;
      switch (message.type) {
        case "granted":
          waits = false;
          machine.send({ type: "talk", group: talkgroup });
          return message;
        case "taken": {
          if (talkgroup !== tuned) return undefined;
          machine.send({ type: "overtaken", group: talkgroup });
          const party = shown(message.party);
          if (party === taken.party && clock.now() === taken.at) return undefined;
          taken = { party, at: clock.now() };
          sequence = (sequence + 1) & 0xffff;
          return { ...message, party, sequence };
        }
        case "idle":
          if (talkgroup !== tuned) return undefined;
          sequence = (sequence + 1) & 0xffff;
          return { ...message, sequence };
        case "queue-info":
          waits = talkgroup === answers?.settings.name && message.position !== queuePosition.none;
          return message;
        case "deny":
        case "revoke":
          waits &&= talkgroup !== answers?.settings.name;
          return message;
        default:
          return message;
      }
    },
    speaksIn(asks = false) {
      const state = machine.state();
      const rights = groups.find(({ talkgroup }) => talkgroup === state.tuned);
      if (asks && answerBack && rights?.mayTalk && heard !== home && !answers && state.in !== "talking") {
        heard.admit(leg, rights);
        answers = heard;
      }
      return answers ?? home;
    },
    isLive: () => heard.isLive(),
    renegotiated(before) {
      // Its home is told by whoever moves legs; where it answers nobody else knows that it is there.
      answers?.renegotiated(leg, before);
      heard.hear(leg, true, false);
    },
    closed(talkgroup) {
      if (answers?.settings.name === talkgroup) {
        if (machine.state().in === "talking") cut();
        answerNoMore();
      }
      machine.send({ type: "gone", group: talkgroup });
    },
    close() {
      machine.close();
      if (heard === answers) answers.leave(leg);
      else if (heard !== home) heard.hear(leg, false);
    },
  };
}
