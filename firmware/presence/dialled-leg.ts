/** One call to a talkgroup, or to the gateway itself: an INVITE becomes a leg there, until somebody hangs up. Who may call is decided before. */
import type { IncomingInvite, Session } from "../sip/endpoint.ts";
import type { LegHolder, Legs } from "./legs.ts";
import { offerIn, sdpType } from "./offer.ts";

export interface DialledLeg {
  /** The caller is in the talkgroup by this leg, or is no more. */
  onStanding(change: 1 | -1, leg: string): void;
  /** However it ends; called once, also for `hangUp`. */
  onOver(): void;
}

/** Answers an INVITE; gives the way to hang up. `talkgroup`: undefined for none. Throws ProtocolError for one whose offer cannot be read, and then nothing is told. */
export function dialledLeg(
  legs: Legs,
  invite: IncomingInvite,
  holder: LegHolder,
  talkgroup: string | undefined,
  listener: DialledLeg,
): () => void {
  const offer = offerIn(invite);
  let session: Session | undefined;
  let standing = false;

  /** Nothing is heard of the leg from here on. */
  function over(): void {
    legs.release(leg);
    if (standing) listener.onStanding(-1, leg);
    listener.onOver();
  }
  function hangUp(): void {
    over();
    if (session) session.end();
    else invite.respond(480);
  }

  function accept(content: string): void {
    const handlers = { onConfirmed, onEnd: over, ...legs.inSession(leg) };
    session = invite.accept({ type: sdpType, content }, handlers);
  }
  function onConfirmed(answer?: string): void {
    if (offer !== undefined) return;
    if (answer === undefined) hangUp();
    else legs.accept(leg, answer);
  }

  const leg = legs.provision(
    holder,
    talkgroup,
    {
      offer: accept,
      answer: accept,
      ready() {
        standing = true;
        listener.onStanding(1, leg);
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
