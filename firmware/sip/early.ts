/** The caller's early dialogs (RFC 3261 §12.1.2): acknowledges the provisional answers that must arrive, once and in order (RFC 3262 §4). */
import type { Credentials, Flow } from "./contract.ts";
import { type Conversation, converse } from "./conversation.ts";
import type { Core } from "./core.ts";
import { type Dialog, dialogOfCaller } from "./dialog.ts";
import { parseCSeq, tagOf } from "./header.ts";
import { header, ProtocolError, type SipRequest, type SipResponse } from "./message.ts";
import { wantsReliable } from "./provisional.ts";
import type { ServerTransaction } from "./transactions.ts";
import { parseNumber } from "./uri.ts";

/** Branches of a forked INVITE that are answered; further ones are left to give up by themselves. */
export const maxBranches = 16;

interface Branch {
  readonly conversation: Conversation;
  /** Of the latest answer that was acknowledged. */
  readonly rseq: number;
  /** The first one that brought a body: the answer to the offer (§5). */
  readonly answer: SipResponse | undefined;
}

export interface EarlyDialogs {
  /** Takes a provisional answer. False when it is no news: a repeat, or one out of order, which is left to be sent again. */
  take(response: SipResponse, sent: SipRequest, flow: Flow): boolean;
  /** A request of the far end in one of them. */
  onRequest(transaction: ServerTransaction): void;
  /** A branch becomes a session: its conversation goes on in `dialog`. Undefined for one that was not heard of. */
  confirm(dialog: Dialog): Pick<Branch, "conversation" | "answer"> | undefined;
}

export function earlyDialogs(core: Core, credentials: Credentials | undefined): EarlyDialogs {
  /** By remote tag. */
  const branches = new Map<string, Branch>();

  function take(response: SipResponse, sent: SipRequest, flow: Flow): boolean {
    if (response.status === 100) return false;
    if (!wantsReliable(response)) return true;
    try {
      return acknowledge(response, sent, flow);
    } catch (error) {
      // It can open no dialog, so that nothing can be said to its sender.
      if (!(error instanceof ProtocolError)) throw error;
      return false;
    }
  }

  function acknowledge(response: SipResponse, sent: SipRequest, flow: Flow): boolean {
    const rseq = parseNumber(header(response, "rseq") ?? "", 0xffff_ffff, "RSeq");
    const tag = tagOf(header(response, "to") ?? "");
    if (tag === undefined) throw new ProtocolError(400, `${response.status} without a tag`);
    const known = branches.get(tag);
    if (known === undefined ? branches.size >= maxBranches : rseq !== known.rseq + 1) return false;
    const conversation = known?.conversation ?? converse(core, dialogOfCaller(sent, response, flow), credentials);
    const answer = known?.answer ?? (response.body.length > 0 ? response : undefined);
    branches.set(tag, { conversation, rseq, answer });
    const { number } = parseCSeq(header(sent, "cseq") ?? "");
    conversation.request("PRACK", { headers: [["rack", `${rseq} ${number} INVITE`]] }, () => {});
    return true;
  }

  function onRequest(transaction: ServerTransaction): void {
    const { request, flow } = transaction;
    const branch = branches.get(tagOf(header(request, "from") ?? "") ?? "");
    if (request.method !== "UPDATE") return transaction.respond(481);
    // RFC 3311 §5.2: the offer of the INVITE is still open.
    if (branch === undefined || request.body.length > 0) return transaction.respond(491);
    branch.conversation.take(request, flow);
    transaction.respond(200, { headers: [core.can.allow, branch.conversation.contact()] });
  }

  return {
    take,
    onRequest,
    confirm(dialog) {
      const branch = branches.get(dialog.remoteTag);
      branches.delete(dialog.remoteTag);
      branch?.conversation.confirm(dialog);
      return branch;
    },
  };
}
