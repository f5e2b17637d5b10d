import type { Msg, NatsConnection } from '@nats-io/transport-node'
import type { Logger } from 'pino'
import type { z } from 'zod'

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
    this.#connection.publish(subject, payload)
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
          handle(message)
        } catch (cause) {
          this.#logger.error({ err: cause, subject }, 'could not handle a message')
        }
      },
    })
  }
}
