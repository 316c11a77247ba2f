// Sessions to one server of this machine leak, at a steady rate: opened, introduced (`hello`), and never used. One that the server ends is
// replaced at the same rate.
import { connect } from "node:net";
import { atRate, checkRate } from "./at-rate.mjs";

const closePatienceMs = 1_000;

export const connections = {
  check(params) {
    checkRate(params);
    if (!/^127(?:\.\d{1,3}){3}$|^::1$/.test(params.host))
      throw new Error(`host must be a loopback address, not ${JSON.stringify(params.host)}`);
    if (!(Number.isInteger(params.port) && params.port > 0 && params.port < 65_536))
      throw new Error("port must be a whole number from 1 to 65535");
  },

  begin(job) {
    const { params } = job;
    job.live = new Set();
    job.lost = 0;
    job.hello = Buffer.from(params.hello ?? "", "base64");
    job.goodbye = Buffer.from(params.goodbye ?? "", "base64");
    job.ticker = atRate(
      params,
      () => job.live.size,
      () => open(job),
    );
  },

  /** Says goodbye and closes; one that cannot be told in time is cut off. */
  async end({ ticker, live, goodbye }) {
    clearInterval(ticker);
    const closed = [...live].map(
      (socket) =>
        new Promise((resolve) => {
          socket.once("close", resolve);
          if (goodbye.length > 0 && socket.writable && !socket.connecting) socket.end(goodbye);
          socket.destroySoon();
        }),
    );
    const late = new Promise((resolve) => setTimeout(resolve, closePatienceMs));
    await Promise.race([Promise.all(closed), late]);
    for (const socket of live) socket.destroy();
    return true;
  },

  describe: ({ live, lost }) => ({ open: live.size, lost }),
};

function open(job) {
  const socket = connect({ host: job.params.host, port: job.params.port });
  job.live.add(socket);
  socket.once("connect", () => {
    if (job.hello.length > 0) socket.write(job.hello);
  });
  // What the server says is taken and dropped. Why a session failed does not matter: it is gone, and counted.
  socket.resume();
  socket.on("error", () => socket.destroy());
  socket.once("close", () => {
    job.live.delete(socket);
    job.lost += 1;
  });
}
