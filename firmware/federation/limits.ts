/** What a realm may hold. Beyond it messages are dropped and counted, so that no peer can fill this board's memory. */
export interface RealmLimits {
  readonly gateways: number;
  readonly usersPerGateway: number;
  readonly usersPerRealm: number;
  /** Of one gateway. */
  readonly talkgroups: number;
}

export const realmLimits: RealmLimits = {
  gateways: 256,
  usersPerGateway: 10_000,
  usersPerRealm: 20_000,
  talkgroups: 1_000,
};
