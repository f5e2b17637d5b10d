import { headers, type Msg, type NatsConnection, type Subscription } from '@nats-io/transport-node'
import { requestIdHeader } from '@vcap/protocol'
import { currentCaller } from '@vcap/reactor'
import type { Logger } from 'pino'
import type { z } from 'zod'

/** Publishes a JSON message, with the id of the request on whose behalf it is sent. */
export function publish(nats: NatsConnection, subject: string, message: unknown, reply?: string): void {
  const requestId = currentCaller()?.requestId
  const carried = requestId === undefined ? undefined : headers()
  if (requestId !== undefined) carried?.set(requestIdHeader, requestId)
  nats.publish(subject, JSON.stringify(message), { ...(reply && { reply }), ...(carried && { headers: carried }) })
}

/** The id of the request that caused a message, if it carries one. */
export function requestIdOfMessage(raw: Msg): string | undefined {
  return raw.headers?.get(requestIdHeader) || undefined
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
