/** One end of a connection between two programs of this machine. Text, a line at a time. */
export interface LocalConnection {
  /** Set these before the current turn ends. A line comes without its end. */
  onLine: (line: string) => void;
  onClose: () => void;
  /** False, and nothing sent, while the other end does not read what waits for it. */
  send(line: string): boolean;
  close(): void;
}

export interface LocalListener {
  /** Ends every connection too. */
  close(): Promise<void>;
}

/** Sockets of this machine's file system as a port: whoever may open the file may connect. Rejections are DeviceError. */
export interface Local {
  /** The file is made for this user alone. */
  listen(path: string, accept: (connection: LocalConnection) => void): Promise<LocalListener>;
  connect(path: string): Promise<LocalConnection>;
}
