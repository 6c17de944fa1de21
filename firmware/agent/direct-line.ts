/**
 * The line for private calls: its session stands, parked, and is heard and spoken on while the server has it in a call. What is on
 * the wire says when that is (pre-established session control, TS 24.380 §8.3); private-call.ts decides.
 */
import { denyCause, type FloorMessage, revokeCause } from "../floor/message.ts";
import { decodeSession, encodeSession, type SessionMessage, sessionReason } from "../floor/session-message.ts";
import { run } from "../machine.ts";
import { type Line, type LineHandlers, type LineOptions, type LinePorts, openLine } from "./line.ts";
import { privateCall, privateCallInitial } from "./private-call.ts";

export interface DirectLine extends Line {
  /** A private call is connected: a press is meant for it. */
  inCall(): boolean;
}

/** Rejects with DeviceError when no ports are free. `called`: who called (empty where that is withheld), or that no call is connected. */
export async function openDirectLine(
  ports: LinePorts,
  options: LineOptions,
  handlers: LineHandlers & { readonly called: (party: string | undefined) => void },
): Promise<DirectLine> {
  const call = run(privateCall, privateCallInitial, ports.clock, (effect) => {
    switch (effect.do) {
      case "acknowledge":
        return line.sendControl(encodeSession(accepted(effect.call, effect.kind), line.ssrc));
      case "connected":
        return handlers.called(effect.party);
      case "parted":
        line.clearFloor();
        return handlers.called(undefined);
    }
  });
  const inCall = (): boolean => call.state().in === "connected";

  function admits(message: FloorMessage): boolean {
    if (message.type === "taken") call.send({ type: "floor", party: message.party });
    if (message.type === "idle") call.send({ type: "floor", party: "" });
    return inCall();
  }

  function onCallControl(packet: Uint8Array): void {
    const message = decodeSession(packet);
    switch (message?.type) {
      case "connect":
      case "disconnect": {
        const named = { call: message.session, kind: message.sessionType };
        if (message.type === "disconnect") return call.send({ type: "disconnect", ...named });
        return call.send({ type: "connect", ...named, party: message.caller ?? "" });
      }
      case "acknowledgement":
      case undefined:
        return;
    }
  }

  const line = await openLine(
    ports,
    options,
    {
      ...handlers,
      // The Disconnect was lost, however often it was repeated, if one of these shows that nobody hears.
      failed(why) {
        handlers.failed(why);
        if (why === "no-answer") call.send({ type: "deserted" });
      },
      denied(cause) {
        handlers.denied(cause);
        if (cause === denyCause.alone) call.send({ type: "deserted" });
      },
      revoked(cause) {
        handlers.revoked(cause);
        if (cause === revokeCause.alone) call.send({ type: "deserted" });
      },
    },
    { admits, onCallControl },
  );
  const { session } = line;

  return {
    ...line,
    inCall,
    session: {
      onSession(agreement) {
        call.send({ type: "session-over" });
        session.onSession(agreement);
      },
      onConfirmed: session.onConfirmed,
      onSessionEnd() {
        call.send({ type: "session-over" });
        session.onSessionEnd();
      },
    },
    close() {
      call.close();
      line.close();
    },
  };
}

function accepted(session: string, sessionType: number): SessionMessage {
  return { type: "acknowledgement", session, sessionType, reason: sessionReason.accepted };
}
