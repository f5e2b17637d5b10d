import { createInbox, type NatsConnection } from '@nats-io/transport-node'
import {
  FindDropletReply,
  type FindDropletRequest,
  type StartMessage,
  type StopMessage,
  subjects,
  type UpdateMessage,
} from '@vcap/protocol'
import type { Logger } from 'pino'
import { apiError } from '../errors/api-error.ts'
import type { DeaPool } from './dea-pool.ts'
import { publish, subscribe } from './nats-messages.ts'
import type { PendingStarts } from './pending-starts.ts'

const findTimeoutInMilliseconds = 2_000

/** Speaks to the DEAs. Reactor thread. Source: cloud_controller_ng lib/cloud_controller/dea/client.rb of 2016. */
export class DeaClient {
  readonly #nats: NatsConnection
  readonly #pool: DeaPool
  readonly #pending: PendingStarts
  readonly #logger: Logger

  constructor(nats: NatsConnection, pool: DeaPool, pending: PendingStarts, logger: Logger) {
    this.#nats = nats
    this.#pool = pool
    this.#pending = pending
    this.#logger = logger
  }

  /** Places and starts each instance. Tries all, then throws InsufficientRunningResourcesAvailable (150003) if some found no DEA. */
  start(messages: readonly StartMessage[]): void {
    let unplaced = 0
    for (const message of messages) {
      const { mem: memoryInMb, disk: diskInMb } = message.limits
      const deaId = this.#pool.place(message.droplet, { memoryInMb, diskInMb, stack: message.stack ?? null })
      if (deaId === undefined) {
        unplaced += 1
        continue
      }
      this.#pending.add(message)
      publish(this.#nats, subjects.deaStart(deaId), message)
    }
    if (unplaced > 0) throw apiError('InsufficientRunningResourcesAvailable')
  }

  /** Throws when a filter is an empty list: to a DEA that means "no filter", so it would stop every instance. */
  stop(message: StopMessage): void {
    if (message.indices?.length === 0 || message.instances?.length === 0)
      throw new Error('dea.stop with an empty list would stop every instance')
    this.#pending.forget(message)
    publish(this.#nats, subjects.deaStop, message)
  }

  update(message: UpdateMessage): void {
    publish(this.#nats, subjects.deaUpdate, message)
  }

  /** Gathers replies until there are `expected`, or the time is over. */
  find(
    request: FindDropletRequest,
    {
      expected,
      timeoutInMilliseconds = findTimeoutInMilliseconds,
    }: { expected: number; timeoutInMilliseconds?: number },
  ): Promise<FindDropletReply[]> {
    if (expected <= 0) return Promise.resolve([])
    const inbox = createInbox()
    const replies: FindDropletReply[] = []
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer)
        subscription.unsubscribe()
        resolve(replies)
      }
      const subscription = subscribe(
        { nats: this.#nats, logger: this.#logger, subject: inbox, schema: FindDropletReply },
        (reply) => {
          replies.push(reply)
          if (replies.length >= expected) end()
        },
      )
      const timer = setTimeout(end, timeoutInMilliseconds)
      publish(this.#nats, subjects.deaFindDroplet, request, inbox)
    })
  }
}
