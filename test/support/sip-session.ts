import type { AnswerHandlers, EndpointOptions, Handlers, Session } from "../../firmware/sip/endpoint.ts";
import { header, type SipMessage, type SipResponse } from "../../firmware/sip/message.ts";
import { refusing, requestText, serverAddress, type sipWire } from "./sip-wire.ts";

export const sdp = (content: string) => ({ type: "application/sdp", content });
export const text = (message: SipMessage | undefined) => new TextDecoder().decode(message?.body);

/** A bare peer in a session that an endpoint has accepted. */
export async function insideSession(
  wire: ReturnType<typeof sipWire>,
  inside: Partial<AnswerHandlers> = {},
  more: {
    readonly handlers?: Partial<Handlers>;
    readonly options?: Partial<EndpointOptions>;
    readonly headers?: readonly string[];
  } = {},
) {
  const told: string[] = [];
  let session: Session | undefined;
  const endpoint = await wire.endpoint(
    serverAddress,
    {
      ...refusing,
      ...more.handlers,
      onInvite(invite) {
        session = invite.accept(sdp("answer"), {
          onConfirmed: () => told.push("confirmed"),
          onEnd: () => told.push("end"),
          ...inside,
        });
      },
    },
    more.options,
  );
  const peer = await wire.raw({ host: "10.0.0.9", port: 5060 });
  const contact = "Contact: <sip:peer@10.0.0.9:5060>";
  const own = [contact, "Content-Type: application/sdp"];
  let cseq = 1;
  let branch = 1;

  peer.send(requestText({ method: "INVITE", body: "offer", headers: [...own, ...(more.headers ?? [])] }));
  await wire.clock.advance(20);
  const accepted = peer.received.findLast((message) => message.kind === "response");
  const toTag = /tag=(\w+)/.exec(header(accepted ?? { headers: [] }, "to") ?? "")?.[1] ?? "";

  type Parts = Partial<Parameters<typeof requestText>[0]>;
  /** Sends a request inside, the next by number; an ACK has the number of the last. */
  function tell(method: string, parts: Parts = {}): void {
    if (method !== "ACK" && method !== "CANCEL") cseq += 1;
    if (method !== "CANCEL") branch += 1;
    peer.send(requestText({ method, cseq, toTag, branch: `z9hG4bK${branch}`, headers: own, ...parts }));
  }

  /** Sends a request inside and gives the answer that has come within 20 ms. */
  async function ask(method: string, parts: Parts = {}): Promise<SipResponse | undefined> {
    const before = peer.received.length;
    tell(method, parts);
    await wire.clock.advance(20);
    return peer.received.slice(before).find((message) => message.kind === "response");
  }

  /** The requests of one method that came from the endpoint. */
  const requests = (method: string) =>
    peer.received.filter((message) => message.kind === "request" && message.method === method);

  /** Answers the latest request of the endpoint. */
  function answer(status: number, headers: readonly string[] = [], body = ""): void {
    const request = peer.received.findLast((message) => message.kind === "request" && message.method !== "ACK");
    const copied = ["via", "from", "to", "call-id", "cseq"].map(
      (name) => `${name}: ${header(request ?? { headers: [] }, name)}`,
    );
    const rest = [...copied, ...headers, `Content-Length: ${body.length}`, "", body];
    peer.send([`SIP/2.0 ${status} X`, ...rest].join("\r\n"));
  }

  tell("ACK");
  await wire.clock.advance(20);
  return { endpoint, peer, told, tell, ask, answer, requests, accepted, contact, session: () => session };
}
