import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node'
import type { Logger } from 'pino'
import type { z } from 'zod'

/** Publishes a JSON message. */
export function publish(nats: NatsConnection, subject: string, message: unknown, reply?: string): void {
  nats.publish(subject, JSON.stringify(message), reply ? { reply } : {})
}

export interface SubscribeOptions<S extends z.ZodType> {
  readonly nats: NatsConnection
  readonly logger: Logger
  readonly subject: string
  readonly schema: S
  /** Of all members of a queue group one gets each message. */
  readonly queue?: string
  readonly max?: number
}

/**
 * Calls `handle` for each message that the schema accepts. What does not parse is logged and dropped, because nobody on the
 * bus could be told; so is what a handler throws.
 */
export function subscribe<S extends z.ZodType>(
  { nats, logger, subject, schema, queue, max }: SubscribeOptions<S>,
  handle: (message: z.output<S>, raw: Msg) => void | Promise<void>,
): Subscription {
  const fail = (error: unknown, raw: Msg): void => {
    logger.warn({ err: error, subject: raw.subject }, 'a message from the bus could not be handled')
  }
  return nats.subscribe(subject, {
    ...(queue && { queue }),
    ...(max && { max }),
    callback: (error, raw) => {
      if (error) return fail(error, raw)
      try {
        Promise.resolve(handle(schema.parse(raw.json()), raw)).catch((reason: unknown) => fail(reason, raw))
      } catch (reason) {
        fail(reason, raw)
      }
    },
  })
}
