/**
 * The header, over HTTP and NATS alike, with the id of the request that caused a message. Whoever acts on a message puts it into
 * its log lines and into what it sends because of it. Receivers that know no headers get the same message without.
 */
export const requestIdHeader = 'X-Vcap-Request-Id'
