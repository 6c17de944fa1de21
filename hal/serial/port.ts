/** A serial line as a port: radio keying and squelch by modem lines, button pods by bytes. Opening fails with DeviceError. */
export interface SerialLine {
  write(data: Uint8Array): void;
  /** Drives the modem outputs. */
  set(lines: { readonly rts?: boolean; readonly dtr?: boolean }): void;
  onData: (data: Uint8Array) => void;
  /** Called on each change of a modem input. */
  onModem: (lines: { readonly cts: boolean; readonly dcd: boolean; readonly dsr: boolean }) => void;
  /** The device vanished; it is closed already. */
  onLost: () => void;
  close(): Promise<void>;
}

export interface Serial {
  open(options: { readonly path: string; readonly baudRate: number }): Promise<SerialLine>;
}
