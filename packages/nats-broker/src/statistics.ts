/** What the broker has seen since its start, as plain numbers. Bytes are those of headers and data. */
export interface BrokerStatistics {
  /** Open now. */
  connections: number
  /** Ever accepted, also those that were refused at once because there were too many. */
  totalConnections: number
  /** Live now. */
  subscriptions: number
  /** Published by clients. */
  messagesIn: number
  bytesIn: number
  /** Delivered to subscriptions: a message counts once for each. */
  messagesOut: number
  bytesOut: number
  /** Connections ended because they did not take what was sent to them. */
  slowConsumers: number
}

export const noStatistics = (): BrokerStatistics => ({
  connections: 0,
  totalConnections: 0,
  subscriptions: 0,
  messagesIn: 0,
  bytesIn: 0,
  messagesOut: 0,
  bytesOut: 0,
  slowConsumers: 0,
})
