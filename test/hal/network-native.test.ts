import { createSocket } from "node:dgram";
import { once } from "node:events";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadNative } from "../../hal/native/load.ts";
import { nativeNetwork } from "../../hal/network/native.ts";
import { nativeSrtp } from "../../hal/srtp/native.ts";
import { ipv6Lacking } from "../support/ipv6.ts";
import { skip } from "../support/skip.ts";
import { realBench } from "./bench.ts";
import { networkContract } from "./network.contract.ts";
import { streamsContract } from "./streams.contract.ts";

const { native, reason } = loadNative();
const lacking = await ipv6Lacking();
if (native) {
  const network = nativeNetwork(native.udp);
  const open = (host: string) => () => ({ ...realBench(), network, host });
  networkContract("native", open("127.0.0.1"));
  streamsContract("native", open("127.0.0.1"), nativeSrtp(native.srtp));
  if (lacking === undefined) {
    networkContract("native, IPv6,", open("::1"));
    streamsContract("native, IPv6,", open("::1"), nativeSrtp(native.srtp));
  } else skip("native network, IPv6", lacking);

  test("native network, streams: no other program shares the port that a stream leaves from", async () => {
    const socket = await network.udp({ host: "127.0.0.1", port: 0 }, () => {});
    const table = network.streams(1);
    table.aim(table.take() ?? -1, socket, { host: "127.0.0.1", port: 40_000 });
    const other = createSocket({ type: "udp4", reusePort: true }).bind(socket.local.port, "127.0.0.1");
    const refused = once(other, "error").then(([fault]) => fault.code);
    const taken = once(other, "listening").then(() => "shared");
    assert.is(await Promise.race([refused, taken]), "EADDRINUSE");
    other.close();
    socket.close();
  });
} else skip("the network contract over the native addon", reason);

test.run();
