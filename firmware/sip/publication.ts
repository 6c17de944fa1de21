/** Performs what the publishing machine decides: PUBLISH, its refreshes and its end (RFC 3903 §4). */
import { run } from "../machine.ts";
import { type Asked, ask } from "./asking.ts";
import type { Publication, PublicationOptions } from "./contract.ts";
import { type Core, composeOutside, newThread } from "./core.ts";
import { secondsIn } from "./expires.ts";
import { header, type SipResponse } from "./message.ts";
import { publishing } from "./publishing.ts";

const defaultExpires = 300;

export function publish(core: Core, options: PublicationOptions, onFinished: () => void): Publication {
  const { aor, server, credentials, event, body, onState } = options;
  const thread = newThread(core);
  let cseq = 0;
  let inFlight: Asked | undefined;
  let finish = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });

  const asked = options.expires ?? defaultExpires;
  const initial = { in: "publishing", asked, tag: undefined, failures: 0 } as const;
  const machine = run(publishing, initial, core.clock, (effect) => {
    switch (effect.do) {
      case "publish":
        return send(effect.expires, effect.tag);
      case "tell": {
        const { status } = effect;
        return onState(status === 200 ? { published: true } : { published: false, status });
      }
      case "finish":
        inFlight?.abandon();
        onFinished();
        return finish();
    }
  });

  function send(seconds: number, tag: string | undefined): void {
    // §4.1: no second PUBLISH beside one that is not answered.
    inFlight?.abandon();
    inFlight = ask(core, {
      credentials,
      compose() {
        cseq += 1;
        const match = tag === undefined ? [] : [["sip-if-match", tag] as const];
        const headers = [["event", event] as const, ["expires", `${seconds}`] as const, ...match];
        const out = { method: "PUBLISH", uri: aor, from: aor, to: aor, via: server, headers };
        return composeOutside(core, tag === undefined ? { ...out, body } : out, thread, cseq);
      },
      onResponse: (response) => onResponse(response, seconds),
    });
  }

  function onResponse(response: SipResponse, seconds: number): void {
    const { status } = response;
    if (status < 200) return;
    if (status < 300) {
      const granted = seconds === 0 ? 0 : (secondsIn(response, "expires") ?? seconds);
      return machine.send({ type: "accepted", granted, tag: header(response, "sip-etag") });
    }
    machine.send({
      type: "refused",
      status,
      fraction: core.random.fraction(),
      minimum: secondsIn(response, "min-expires"),
      retryAfter: secondsIn(response, "retry-after"),
    });
  }

  machine.send({ type: "start" });
  return {
    close() {
      machine.send({ type: "close" });
      return finished;
    },
  };
}
