import { test } from "uvu";
import { loadNative } from "../../hal/native/load.ts";
import { nativeOpus } from "../../hal/opus/native.ts";
import { skip } from "../support/skip.ts";
import { opusContract } from "./opus.contract.ts";

const { native, reason } = loadNative();
if (native) opusContract("libopus in the native addon", async () => nativeOpus(native.opus));
else skip("the Opus contract over the native addon", reason);

test.run();
