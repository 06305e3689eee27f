/** Thrown by a proof for which this plugin gives no occasion. */
export class NotApplicable extends Error {}
