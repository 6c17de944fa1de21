import type { Network } from "../../hal/network/port.ts";
import type { Random } from "../../hal/random/port.ts";

/** A network that loses a share of its datagrams, 0 to 1, in each direction. Streams come through. */
export function lossyNetwork(network: Network, share: number, random: Random): Network {
  const isLost = (): boolean => random.fraction() < share;
  return {
    ...network,
    async udp(local, receive) {
      const socket = await network.udp(local, (data, from) => {
        if (!isLost()) receive(data, from);
      });
      return {
        ...socket,
        send(data, to) {
          if (!isLost()) socket.send(data, to);
        },
      };
    },
  };
}
