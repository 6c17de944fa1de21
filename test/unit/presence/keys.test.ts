/** Keys that a phone tells by INFO inside its session, in either way that there is to write one. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { tagOf } from "../../../firmware/sip/header.ts";
import { header } from "../../../firmware/sip/message.ts";
import { openSite } from "./site.ts";
import { openPeer } from "./terminals.ts";

const keys = [
  ["application/dtmf-relay", "Signal=*\r\nDuration=160\r\n", "Signal=#\r\nDuration=160\r\n"],
  ["application/dtmf-relay", "Signal= 10\r\nDuration= 250", "Signal= 11\r\nDuration= 250"],
  ["application/dtmf", "*", "#"],
  ["application/dtmf", "10", "11"],
] as const;

for (const [type, up, down] of keys)
  test(`${type} with ${JSON.stringify(up)} and ${JSON.stringify(down)} reaches the leg as * and #`, async () => {
    const site = await openSite();
    const phone = await openPeer(site);
    const headers = [`Contact: <${phone.contact}>`, "Content-Type: application/sdp"];
    const invite = { method: "INVITE", headers, body: "offer" };
    phone.send(invite, phone.prove(invite, await phone.challenges(invite)));
    await site.clock.advance(100);
    const accepted = phone.raw.received.findLast((each) => each.kind === "response" && each.status === 200);
    const toTag = tagOf(header(accepted ?? { headers: [] }, "to") ?? "");
    phone.send({ method: "ACK", toTag, cseq: 2 });
    const statuses = [];
    for (const [index, body] of [up, down].entries()) {
      const info = { method: "INFO", toTag, cseq: 100 + index, headers: [`Content-Type: ${type}`], body };
      statuses.push((await phone.say(info)).status);
    }
    assert.equal(statuses, [200, 200]);
    assert.equal(
      site.asked.flatMap(({ command }) => (command.type === "key" ? [`${command.leg} ${command.key}`] : [])),
      ["1-alice *", "1-alice #"],
    );
    phone.send({ method: "BYE", toTag, cseq: 200 });
    await site.clock.advance(100);
    await site.close();
  });

test.run();
