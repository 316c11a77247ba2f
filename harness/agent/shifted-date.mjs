// A Date that can be set ahead or back while the program runs. It is put in before the program's own code is loaded, so that also a module
// that keeps a copy (`const { now } = Date`) is shifted later. The shift stands in shared memory: the worker sets it and takes it back
// without this thread's help. Instances are the engine's own, with the engine's own prototype: only "now" is another.
//
// Not shifted: performance.now and process.hrtime, Node's own uses (the Date header of HTTP, file times), Intl without a date, other
// contexts (vm) and worker threads.

/** Replaces the global Date. Returns its shift, in whole milliseconds: an Int32Array of one, in shared memory (reaches 24 days either way). */
export function installShiftedDate() {
  const shift = new Int32Array(new SharedArrayBuffer(4));
  const Engine = globalThis.Date;
  const engineNow = Engine.now;
  const now = () => engineNow() + Atomics.load(shift, 0);

  function ShiftedDate(...parts) {
    // Called as a function it answers a text, whatever it is given.
    if (new.target === undefined) return new Engine(now()).toString();
    return Reflect.construct(Engine, parts.length === 0 ? [now()] : parts, new.target);
  }

  const own = Object.getOwnPropertyDescriptors(Engine);
  Object.defineProperties(ShiftedDate, { ...own, now: { ...own.now, value: nameAs(now, engineNow) } });
  Object.defineProperty(Engine.prototype, "constructor", {
    ...Object.getOwnPropertyDescriptor(Engine.prototype, "constructor"),
    value: ShiftedDate,
  });
  Object.defineProperty(globalThis, "Date", {
    ...Object.getOwnPropertyDescriptor(globalThis, "Date"),
    value: ShiftedDate,
  });
  return shift;
}

function nameAs(replacement, original) {
  return Object.defineProperty(replacement, "name", { value: original.name, configurable: true });
}

/** What this thread's program reads off its clock now, in each of the three ways; the text has whole seconds. */
export function programTime() {
  const { Date } = globalThis;
  return { nowMs: Date.now(), newMs: new Date().getTime(), textMs: Date.parse(Date()) };
}
