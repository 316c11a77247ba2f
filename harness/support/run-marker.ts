// How a process tells that it belongs to a run: its environment, which children inherit. Who is a member all told: stack/membership.ts.

/** Name of the variable that marks members of a run; its value is the run id. */
export const runMarker = "KILN_RUN";
