/** Runs the floor participant of a line: floor messages and the button in, packets and what to do with the voice out. */
import type { Clock } from "../../hal/clock/port.ts";
import { type DecodedFloor, encodeFloor } from "../floor/message.ts";
import { participant } from "../floor/participant.ts";
import { type ParticipantEffect, participantDefaults, participantInitial } from "../floor/participant-state.ts";
import type { Urgency } from "../floor/urgency.ts";
import { run } from "../machine.ts";

export interface FloorHandlers {
  capture(): void;
  talk(): void;
  /** The floor is granted later: 1 is next. */
  queued(position: number): void;
  /** The burst will soon be cut. */
  warned(): void;
  mute(): void;
  denied(cause: number): void;
  revoked(cause: number): void;
  failed(why: "no-answer" | "session-over"): void;
  listening(party: string | undefined): void;
  /** How urgent the call is from now on. */
  urgent(urgency: Urgency): void;
}

/** T103 is renewed by media at most so often, ms. */
const renewMs = 250;

export function openFloorControl(
  ports: { readonly clock: Clock; readonly send: (packet: Uint8Array) => void },
  options: { readonly ssrc: number; readonly priority: number; readonly warningMs: number },
  handlers: FloorHandlers,
) {
  const { clock, send } = ports;
  let renewedAt = Number.NEGATIVE_INFINITY;

  const machine = run(
    participant({ ...participantDefaults, warningMs: options.warningMs }),
    participantInitial,
    clock,
    perform,
  );

  function perform(effect: ParticipantEffect): void {
    switch (effect.do) {
      case "send":
        return send(encodeFloor(effect.message, { ssrc: options.ssrc, acknowledge: effect.acknowledge === true }));
      case "capture":
        return handlers.capture();
      case "talk":
        return handlers.talk();
      case "queued":
        return handlers.queued(effect.position);
      case "warn":
        return handlers.warned();
      case "urgency":
        return handlers.urgent(effect.urgency);
      case "mute":
        return handlers.mute();
      case "denied":
        return handlers.denied(effect.cause);
      case "revoked":
        return handlers.revoked(effect.cause);
      case "failed":
        // Only a request that was sent has something to take back.
        return handlers.failed(machine.state().in === "pending-release" ? "no-answer" : "session-over");
      case "listening":
        return handlers.listening(effect.party);
      case "silence":
        return handlers.listening(undefined);
    }
  }

  return {
    receive: ({ message, acknowledge }: DecodedFloor) => machine.send({ type: "message", message, acknowledge }),
    /** Speech arrives from the conference server. */
    speech(): void {
      const now = clock.now();
      if (now - renewedAt < renewMs) return;
      renewedAt = now;
      machine.send({ type: "media" });
    },
    press: (urgency?: Urgency) =>
      machine.send({ type: "press", priority: options.priority, ...(urgency && { urgency }) }),
    calm: () => machine.send({ type: "calm" }),
    unpress: () => machine.send({ type: "unpress" }),
    disconnected: () => machine.send({ type: "disconnected" }),
    close: machine.close,
  };
}
