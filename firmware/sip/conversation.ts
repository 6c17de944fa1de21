import { type Asked, ask } from "./asking.ts";
import type { Credentials, Extras, Flow } from "./contract.ts";
import { type Core, contactUri } from "./core.ts";
import { contactOf, type Dialog, dialogAfter, requestInside } from "./dialog.ts";
import { parseCSeq, tagOf } from "./header.ts";
import { type Headers, header, ProtocolError, type SipRequest, type SipResponse } from "./message.ts";

/** A live dialog: it numbers what is sent inside and checks the order of what arrives. */
export interface Conversation {
  dialog(): Dialog;
  /** This endpoint's Contact header. */
  contact(): readonly [name: string, value: string];
  /** `onFinal` gets every final answer, repeated 2xx to an INVITE too, and the request that it answers. */
  request(method: string, extras: Extras, onFinal: (response: SipResponse, sent: SipRequest) => void): Asked;
  /** ACK for a 2xx of this INVITE, with its number and its credentials (RFC 3261 §13.2.2.4). */
  acknowledge(invite: SipRequest): void;
  /** Takes in a request of the far end. Throws ProtocolError: 481 for another dialog, 500 when out of order. */
  take(received: SipRequest, flow: Flow): void;
  /** What was early is confirmed: its target and routes are those of the 2xx (RFC 3261 §13.2.2.4), its numbers go on. */
  confirm(confirmed: Dialog): void;
  /** The 2xx to a request that may move the far end's target (RFC 3261 §12.2.1.2). Throws ProtocolError 400 for a bad Contact. */
  retarget(response: SipResponse): void;
  /** The far end is reached by this flow from now on. */
  move(flow: Flow): void;
}

export function converse(core: Core, opened: Dialog, credentials?: Credentials): Conversation {
  let dialog = opened;

  const contact = () =>
    ["contact", `<${contactUri(core, dialog.local, dialog.flow.transport, dialog.target)}>`] as const;

  return {
    dialog: () => dialog,
    contact,
    request(method, extras, onFinal) {
      return ask(core, {
        credentials,
        compose() {
          dialog = { ...dialog, localSeq: dialog.localSeq + 1 };
          const own: Headers = [["user-agent", core.userAgent]];
          const parts = { ...extras, headers: [...own, ...(extras.headers ?? [])] };
          return { request: requestInside(dialog, method, dialog.localSeq, parts), flow: dialog.flow };
        },
        onResponse(response, sent) {
          if (response.status >= 200) onFinal(response, sent);
        },
      });
    },
    acknowledge(invite) {
      const { number } = parseCSeq(header(invite, "cseq") ?? "");
      const ack = requestInside(dialog, "ACK", number, { headers: credentialsOf(invite) });
      core.transactions.acknowledge(ack, dialog.flow);
    },
    take(received, flow) {
      if (tagOf(header(received, "from") ?? "") !== dialog.remoteTag)
        throw new ProtocolError(481, `${received.method} of another dialog`);
      dialog = dialogAfter(dialog, received, flow);
    },
    confirm(confirmed) {
      const { localSeq, remoteSeq } = dialog;
      dialog = { ...confirmed, localSeq: Math.max(localSeq, confirmed.localSeq), remoteSeq };
    },
    retarget(response) {
      dialog = { ...dialog, target: contactOf(response) ?? dialog.target };
    },
    move(flow) {
      dialog = { ...dialog, flow };
    },
  };
}

function credentialsOf(request: SipRequest): Headers {
  return request.headers.filter(([name]) => name === "authorization" || name === "proxy-authorization");
}
