/** The peer does not keep to the protocol, or asks for what this server does not speak. */
export class RfbError extends Error {}
