import { test } from "uvu";
import { loadNative } from "../../hal/native/load.ts";
import { nativeNetwork } from "../../hal/network/native.ts";
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
  streamsContract("native", open("127.0.0.1"));
  if (lacking === undefined) {
    networkContract("native, IPv6,", open("::1"));
    streamsContract("native, IPv6,", open("::1"));
  } else skip("native network, IPv6", lacking);
} else skip("the network contract over the native addon", reason);

test.run();
