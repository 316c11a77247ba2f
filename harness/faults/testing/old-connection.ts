// A client that keeps one connection to a Redis open, as a pool does: for what a fault does to connections that are older than itself.
import { connect } from "node:net";
import { deadline, eventually, systemClock } from "../../support/clock.ts";
import { hasErrno } from "../../support/errors.ts";

export interface OldConnection {
  /** Sends a command that is answered with so many bytes and a few more: milliseconds until all came. Rejects when the connection ends. */
  ping(answerBytes: number): Promise<number>;
  /** Sends a command with a short answer and resolves to that. */
  ask(command: string): Promise<string>;
  /** Sends a command and waits for nothing. */
  send(command: string): void;
  receivedBytes(): number;
  /** Sizes of all reads. */
  readonly reads: readonly number[];
  /** How it was ended from the other side, and when, milliseconds of the monotonic clock. Rejects when it is not, within 5 s. */
  ended(): Promise<{ readonly by: "close" | "reset"; readonly atMs: number }>;
  isOpen(): boolean;
  destroy(): void;
}

/** Resolves once it has got its first answer. */
export async function openConnection({ port }: { readonly port: number }): Promise<OldConnection> {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  const reads: number[] = [];
  let receivedBytes = 0;
  let open = true;
  let onRead = (_piece: Buffer): void => {};
  let onEnd = (_error: Error): void => {};
  let ending: { by: "close" | "reset"; atMs: number } | undefined;
  const end = (by: "close" | "reset"): void => {
    open = false;
    ending ??= { by, atMs: systemClock.nowMs() };
    onEnd(new Error(`the connection was ended by ${by}`));
  };
  socket.on("data", (piece) => {
    reads.push(piece.length);
    receivedBytes += piece.length;
    onRead(piece);
  });
  socket.once("end", () => end("close"));
  socket.once("close", () => end("close"));
  socket.on("error", (error) => end(hasErrno(error, "ECONNRESET", "EPIPE") ? "reset" : "close"));
  const connection: OldConnection = {
    ping: async (answerBytes) => {
      const wholeBytes = receivedBytes + answerBytes + String(answerBytes).length + 5;
      const { promise: done, resolve: finish, reject } = Promise.withResolvers<void>();
      onEnd = reject;
      onRead = () => void (receivedBytes >= wholeBytes && finish());
      const askedMs = systemClock.nowMs();
      socket.write(`*2\r\n$4\r\nPING\r\n$${String(answerBytes)}\r\n${"x".repeat(answerBytes)}\r\n`);
      await done;
      return systemClock.nowMs() - askedMs;
    },
    ask: (command) => {
      const { promise: answer, resolve: hear, reject } = Promise.withResolvers<string>();
      onEnd = reject;
      onRead = (piece) => hear(piece.toString("latin1").trim());
      socket.write(`${command}\r\n`);
      return answer;
    },
    send: (command) => void socket.write(`${command}\r\n`),
    receivedBytes: () => receivedBytes,
    reads,
    ended: () => eventually(() => ending, deadline(5_000), 5),
    isOpen: () => open,
    destroy: () => void socket.destroy(),
  };
  await connection.ping(1);
  return connection;
}
