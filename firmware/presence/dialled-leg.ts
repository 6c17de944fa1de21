/** One call to a talkgroup: an INVITE becomes a leg there, until somebody hangs up. Who may call is decided before. */
import type { IncomingInvite, Session } from "../sip/endpoint.ts";
import type { LegHolder, Legs } from "./legs.ts";

export interface DialledLeg {
  /** The caller is in the talkgroup, or is no more. */
  onStanding(change: 1 | -1): void;
  /** However it ends; called once, also for `hangUp`. */
  onOver(): void;
}

/** Answers an INVITE; gives the way to hang up. Throws ProtocolError for one without an offer, and then nothing is told. */
export function dialledLeg(
  legs: Legs,
  invite: IncomingInvite,
  holder: LegHolder,
  talkgroup: string,
  listener: DialledLeg,
): () => void {
  const offer = invite.offer();
  let session: Session | undefined;
  let standing = false;

  /** Nothing is heard of the leg from here on. */
  function over(): void {
    legs.release(leg);
    if (standing) listener.onStanding(-1);
    listener.onOver();
  }
  function hangUp(): void {
    over();
    if (session) session.end();
    else invite.respond(480);
  }

  const leg = legs.provision(
    holder,
    talkgroup,
    {
      offer() {},
      answer(sdp) {
        const handlers = { onConfirmed() {}, onEnd: over, ...legs.inSession(leg) };
        session = invite.accept({ type: "application/sdp", content: sdp }, handlers);
      },
      ready() {
        standing = true;
        listener.onStanding(1);
      },
      refused(status) {
        over();
        if (session) session.end();
        else invite.respond(status);
      },
      lost: hangUp,
    },
    offer,
  );
  invite.onCancel = over;
  return hangUp;
}
