/** REFER as it arrives, outside dialogs or inside a session, and the implicit subscription that tells what became of it (RFC 3515). */
import type { Body, Notifier, NotifierHandlers, Referral } from "./contract.ts";
import { type Conversation, converse } from "./conversation.ts";
import { type Core, respond } from "./core.ts";
import { dialogOfCallee } from "./dialog.ts";
import { parseCSeq, parseEvent, withoutParams, withTag } from "./header.ts";
import { type Headers, header, ProtocolError } from "./message.ts";
import { type MindedNotifier, mindDialog, mindNotifier } from "./notifier.ts";
import { listOf, referToOf, targetIn } from "./refer-to.ts";
import type { ServerTransaction } from "./transactions.ts";

/** The longest ringing and some; seconds. */
const referralExpires = 240;
/** Of one session, at a time. */
const maxReferrals = 8;

/** Opens the subscription of one REFER. */
type Subscribe = (handlers: NotifierHandlers) => Notifier;

/** A REFER that opens a dialog. Throws ProtocolError: 400 when it cannot, or names nobody; 415 for another list. */
export function receiveRefer(core: Core, transaction: ServerTransaction): void {
  const { request, flow, tag } = transaction;
  const conversation = converse(core, dialogOfCallee(request, withTag(header(request, "to") ?? "", tag), flow));
  const subscribed = { event: "refer", expires: referralExpires, headers: [] };
  handOver(core, transaction, conversation, undefined, (handlers) =>
    mindDialog(core, conversation, subscribed, handlers),
  );
}

/** The REFERs of one session; `close` tells those who still listen that there will be nothing more. */
export function referralsIn(core: Core, conversation: Conversation) {
  /** By the id of their event, which is the CSeq of the REFER (RFC 3515 §2.4.6). */
  const notifiers = new Map<string, { readonly notifier: MindedNotifier; readonly handlers: NotifierHandlers }>();

  function onRefer(transaction: ServerTransaction): void {
    if (notifiers.size >= maxReferrals) throw new ProtocolError(486, `more than ${maxReferrals} REFERs of a session`);
    const id = `${parseCSeq(header(transaction.request, "cseq") ?? "").number}`;
    const subscribed = { event: `refer;id=${id}`, expires: referralExpires, headers: [] };
    handOver(core, transaction, conversation, conversation.dialog().callId, (handlers) => {
      const notifier = mindNotifier(core, conversation, subscribed, handlers, () => notifiers.delete(id));
      notifiers.set(id, { notifier, handlers });
      return notifier;
    });
  }

  function onSubscribe(transaction: ServerTransaction): void {
    const event = parseEvent(header(transaction.request, "event") ?? "");
    if (event.package !== "refer") throw new ProtocolError(489, `SUBSCRIBE to ${event.package} inside a session`);
    const known = notifiers.get(event.params.get("id") ?? "");
    if (known === undefined) throw new ProtocolError(481, "SUBSCRIBE to no REFER of this session");
    known.notifier.onSubscribe(transaction);
  }

  function close(): void {
    for (const { notifier, handlers } of notifiers.values())
      notifier.notify(handlers.lastBody?.(), { terminated: "noresource" });
  }

  return { onRefer, onSubscribe, close };
}

function handOver(
  core: Core,
  transaction: ServerTransaction,
  conversation: Conversation,
  session: string | undefined,
  subscribe: Subscribe,
): void {
  const { request, flow } = transaction;
  if (core.onRefer === undefined) return respond(core, transaction, 405);
  const uri = referToOf(request);

  function accept(): Referral {
    const isQuiet = withoutParams(header(request, "refer-sub") ?? "") === "false";
    const answered = transaction.answered();
    const quiet: Headers = isQuiet ? [["refer-sub", "false"]] : [];
    transaction.respond(202, { headers: [conversation.contact(), ...quiet] });
    return isQuiet || answered ? { progress() {} } : tell(subscribe);
  }

  core.onRefer({
    request,
    flow,
    session,
    list: listOf(request, uri),
    target: () => targetIn(uri),
    respond: (status, extras) => respond(core, transaction, status, extras),
    accept,
  });
}

function tell(subscribe: Subscribe): Referral {
  let latest = fragment(100, "Trying");
  const notifier = subscribe({ onRefresh: () => notifier.notify(latest), onEnd() {}, lastBody: () => latest });
  notifier.notify(latest);
  return {
    progress(status, reason) {
      latest = fragment(status, reason);
      notifier.notify(latest, status >= 200 ? { terminated: "noresource" } : undefined);
    },
  };
}

/** RFC 3515 §2.4.5: at least a status line. */
function fragment(status: number, reason: string): Body {
  return { type: "message/sipfrag;version=2.0", content: `SIP/2.0 ${status} ${reason.replace(/[\r\n]+/g, " ")}\r\n` };
}
