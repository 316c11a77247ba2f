// The limit for recovery where the scenario sets no objective: that of REQUIREMENTS H6. Plan and run count on the same one.
export const defaultRecoveryMs = 60_000;
