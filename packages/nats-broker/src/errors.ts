/**
 * What the broker says in `-ERR`. The texts are nats-server's, because clients compare them (nats.js, nats.go and others turn
 * "Authorization Violation" and "Authentication Timeout" into errors of their own); `Parser Error` stands in the protocol's
 * documentation, while nats-server closes without a word there.
 */
export const protocolErrors = {
  unknownOperation: 'Unknown Protocol Operation',
  parser: 'Parser Error',
  controlLine: 'maximum control line exceeded',
  maxPayload: 'Maximum Payload Violation',
  authorization: 'Authorization Violation',
  authenticationTimeout: 'Authentication Timeout',
  maxConnections: 'maximum connections exceeded',
  staleConnection: 'Stale Connection',
  invalidClientProtocol: 'invalid client protocol',
  noRespondersNeedHeaders: 'no responders requires headers support',
  /** The connection stays open after this one and the next. */
  invalidSubject: 'Invalid Subject',
  invalidPublishSubject: 'Invalid Publish Subject',
} as const

export type ProtocolErrorText = (typeof protocolErrors)[keyof typeof protocolErrors]

/** A client broke the protocol, and its connection ends. `message` is what the client is told; `detail` is for the log. */
export class ProtocolViolation extends Error {
  override readonly name = 'ProtocolViolation'
  override readonly message: ProtocolErrorText
  readonly detail: string

  constructor(message: ProtocolErrorText, detail = '') {
    super(message)
    this.message = message
    this.detail = detail
  }
}

/** The broker could not start: the port is taken, the host is not an address of this machine. `cause` is the system's error. */
export class NatsBrokerStartError extends Error {
  override readonly name = 'NatsBrokerStartError'
}
