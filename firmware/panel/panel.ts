/**
 * The panel: the button, switch, lamps, microphone and loudspeaker of a board, joined to an agent that speaks for them.
 * It decides what a person at the box feels: when a press counts, which lamp is lit, which tone is heard.
 * It knows no SIP, no RTP and no floor timers; to the rest of Roger its agent is a terminal like any phone.
 */
import type { AudioStatus } from "../../hal/audio/port.ts";
import type { Board } from "../../hal/board/port.ts";
import type { Clock } from "../../hal/clock/port.ts";
import type { OutputLine } from "../../hal/gpio/port.ts";
import type { Log } from "../log.ts";
import { run } from "../machine.ts";
import { type ToneName, tones } from "../media/tones.ts";
import { announcing } from "./announcing.ts";
import { button, buttonAtStart } from "./button.ts";
import { overlay } from "./overlay.ts";
import { switchAtStart, toggleSwitch } from "./switch.ts";

/** What the panel asks of its agent. */
export interface Voice {
  /** Key up, unkey. `at`: monotonic ms of the edge. */
  press(at: number, urgency?: "emergency"): void;
  release(at: number): void;
  /** The emergency is over, as far as this user has a say in it. */
  calm(): void;
  /** One microphone frame of 960 samples, captured from `at` on; the agent copies what it keeps. */
  capture(frame: Int16Array, at: number): void;
  /** Writes 960 samples of received speech, or silence. */
  fill(frame: Int16Array): void;
  /** Asks for the last burst once more; it comes as speech does, or not at all. */
  replay(): void;
  /** What others are told of the user; undefined: nothing of one's own. */
  choose(status: "do-not-disturb" | undefined): void;
}

/** What the agent tells its panel. */
export interface PanelSignals {
  ready(ready: boolean): void;
  permit(): void;
  /** The press waits for the floor. */
  queued(): void;
  /** What is said will soon be cut off. */
  warned(): void;
  /** The floor is no longer ours, by our own release. */
  unkeyed(): void;
  denied(): void;
  revoked(): void;
  /** Somebody talks, or nobody does. */
  listening(party: string | undefined): void;
  /** How urgent the talkgroup's call is from now on. */
  urgent(urgency: "normal" | "imminent-peril" | "emergency"): void;
  /** A private call is connected, and presses are meant for it; or there is none. */
  called(party: string | undefined): void;
  /** Others are told of the chosen status, or no more. */
  statusShown(shown: boolean): void;
}

export interface Panel {
  readonly signals: PanelSignals;
  /** Joins the agent and starts the sound. */
  attach(agent: Voice): void;
  /** Lamps off, devices closed. Close the panel before its agent; what that still signals changes nothing. */
  close(): void;
}

const settleMs = 15;
const switchSettleMs = 50;

/** Opens the buttons, the switch and the lamps of a board. Throws DeviceError when it has no "ptt"; a lamp that it lacks stays dark. */
export function panel(ports: { readonly clock: Clock; readonly board: Board; readonly log: Log }): Panel {
  const { clock, board, log } = ports;
  const lamps = new Map<string, OutputLine>();
  const tone = tones();
  const overlaid = overlay(tone);
  const announcement = announcing(tone);
  let voice: Voice | undefined;
  let microphone: AudioStatus = "present";

  const pressed = new Set<string>();
  const buttons = [
    openButton(
      "ptt",
      (at) => press("ptt", at),
      (at) => release("ptt", at),
    ),
    // Held, it talks like the other, and above everybody else.
    ...optional(
      "emergency",
      (at) => press("emergency", at),
      (at) => release("emergency", at),
    ),
    ...optional("emergency-over", () => voice?.calm()),
    ...optional("replay", () => voice?.replay()),
  ];

  function openButton(role: string, down: (at: number) => void, up: (at: number) => void = () => {}): () => void {
    const line = board.input(role, (edge) => contact.send({ type: "edge", closed: edge.active, at: edge.at }));
    const heldAtStart = line.active();
    const contact = run(button(settleMs), buttonAtStart(heldAtStart), clock, (effect) => {
      switch (effect.do) {
        case "press":
          return down(effect.at);
        case "release":
          return up(effect.at);
      }
    });
    if (heldAtStart) log.warn({ role }, "the button is held at start-up: it is ignored until it is let go");
    return () => {
      contact.close();
      line.close();
    };
  }

  function optional(...[role, down, up]: Parameters<typeof openButton>): (() => void)[] {
    return board.inputs.includes(role) ? [openButton(role, down, up)] : [];
  }

  for (const role of [
    "ready-lamp",
    "transmit-lamp",
    "receive-lamp",
    "call-lamp",
    "do-not-disturb-lamp",
    "emergency-lamp",
  ])
    if (board.outputs.includes(role)) lamps.set(role, board.output(role));

  const doNotDisturb = board.inputs.includes("do-not-disturb") ? doNotDisturbSwitch() : undefined;

  /** Left on, it is on again after a loss of power: it is a switch, and says so. */
  function doNotDisturbSwitch() {
    const input = board.input("do-not-disturb", ({ active }) => machine.send({ type: "edge", closed: active }));
    const machine = run(toggleSwitch(switchSettleMs), switchAtStart(input.active()), clock, ({ on }) => choose(on));
    return {
      on: () => machine.state().on,
      close() {
        machine.close();
        input.close();
      },
    };
  }

  function choose(on: boolean): void {
    voice?.choose(on ? "do-not-disturb" : undefined);
  }

  function light(role: string, lit: boolean): void {
    lamps.get(role)?.set(lit);
  }

  function press(role: "ptt" | "emergency", at: number): void {
    const isFirst = pressed.size === 0;
    pressed.add(role);
    announcement.hold();
    if (microphone === "present")
      return role === "emergency" ? voice?.press(at, "emergency") : isFirst ? voice?.press(at) : undefined;
    log.warn({ device: "microphone" }, "pressed without a microphone");
    signals.denied();
  }

  /** The burst goes on while either button is down. */
  function release(role: "ptt" | "emergency", at: number): void {
    pressed.delete(role);
    if (pressed.size === 0) voice?.release(at);
  }

  /** The burst is over, with a tone or without. */
  function quiet(name?: ToneName): void {
    light("transmit-lamp", false);
    if (name) tone.start(name);
    announcement.free();
  }

  function told(device: string, status: AudioStatus): void {
    if (status === "lost") log.warn({ device }, `the ${device} is gone: is it plugged in?`);
    else log.info({ device }, `the ${device} is back`);
  }

  const signals: PanelSignals = {
    ready: (ready) => light("ready-lamp", ready),
    permit() {
      light("transmit-lamp", true);
      tone.start("permit");
    },
    queued: () => tone.start("queued"),
    warned: () => tone.start("warning"),
    unkeyed: () => quiet(),
    denied: () => quiet("deny"),
    revoked: () => quiet("revoke"),
    listening: (party) => light("receive-lamp", party !== undefined),
    urgent(urgency) {
      light("emergency-lamp", urgency !== "normal");
      // The microphone of whoever raised it would send the tone along.
      if (urgency !== "normal" && pressed.size === 0) tone.start("emergency");
    },
    called(party) {
      light("call-lamp", party !== undefined);
      announcement.called(party !== undefined);
    },
    statusShown: (shown) => light("do-not-disturb-lamp", shown),
  };

  return {
    signals,
    attach(agent) {
      voice = agent;
      if (doNotDisturb) choose(doNotDisturb.on());
      board.microphone.start(
        (frame, at) => agent.capture(frame, at),
        (status) => {
          microphone = status;
          told("microphone", status);
        },
      );
      board.loudspeaker.start(
        (frame) => {
          agent.fill(frame);
          overlaid(frame);
        },
        (status) => told("loudspeaker", status),
      );
    },
    close() {
      for (const closeButton of buttons) closeButton();
      doNotDisturb?.close();
      for (const lamp of lamps.values()) lamp.close();
      lamps.clear();
      board.microphone.close();
      board.loudspeaker.close();
    },
  };
}
