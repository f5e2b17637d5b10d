import { AsyncLocalStorage } from 'node:async_hooks'
import { headers, type Msg, type NatsConnection } from '@nats-io/transport-node'
import { requestIdHeader } from '@vcap/protocol'
import type { Logger } from 'pino'
import type { z } from 'zod'

/** The id of the request that caused what is being done, across everything that its message sets off. */
const requestIds = new AsyncLocalStorage<string>()

/** The message bus as the cell uses it: JSON in and out, checked on the way in. */
export class Bus {
  readonly #connection: NatsConnection
  readonly #logger: Logger

  constructor(connection: NatsConnection, logger: Logger) {
    this.#connection = connection
    this.#logger = logger
  }

  /** Fire and forget: nothing on this bus is acknowledged. */
  publish(subject: string, message: unknown): void {
    this.publishText(subject, JSON.stringify(message))
  }

  publishText(subject: string, payload: string): void {
    if (this.#connection.isClosed()) return
    this.#connection.publish(subject, payload, withRequestId())
  }

  /** Resolves when the broker has all that was published. Rejects once the connection is closed. */
  async flush(): Promise<void> {
    await this.#connection.flush()
  }

  /** A message that doesn't fit the schema is logged and dropped, as DEAs do. The handler's errors are logged. */
  subscribe<T>(subject: string, schema: z.ZodType<T>, handle: (message: T, replyTo: string | undefined) => void): void {
    this.#listen(subject, (raw) => {
      const parsed = schema.safeParse(raw.json())
      if (parsed.success) handle(parsed.data, raw.reply)
      else this.#logger.warn({ subject, problem: parsed.error.issues }, 'dropped a message that is not valid')
    })
  }

  /** For messages whose content doesn't matter. */
  subscribeToSignal(subject: string, handle: () => void): void {
    this.#listen(subject, handle)
  }

  #listen(subject: string, handle: (message: Msg) => void): void {
    this.#connection.subscribe(subject, {
      callback: (error, message) => {
        try {
          if (error) throw error
          const requestId = message.headers?.get(requestIdHeader)
          this.#logger.debug({ subject, requestId }, 'message')
          if (requestId) requestIds.run(requestId, () => handle(message))
          else handle(message)
        } catch (cause) {
          this.#logger.error({ err: cause, subject }, 'could not handle a message')
        }
      },
    })
  }
}

function withRequestId(): { headers?: ReturnType<typeof headers> } {
  const requestId = requestIds.getStore()
  if (requestId === undefined) return {}
  const carried = headers()
  carried.set(requestIdHeader, requestId)
  return { headers: carried }
}
