import type { NatsConnection } from '@nats-io/transport-node'
import { type StagingRequest, type StagingStop, stagingReplySubject, subjects } from '@vcap/protocol'
import { apiError } from '../errors/api-error.ts'
import type { DeaPool } from './dea-pool.ts'
import { publish } from './nats-messages.ts'

/** Sends staging tasks to DEAs. Reactor thread. Source: cloud_controller_ng lib/cloud_controller/dea/app_stager_task.rb of 2016. */
export class StagingClient {
  readonly #nats: NatsConnection
  readonly #pool: DeaPool

  constructor(nats: NatsConnection, pool: DeaPool) {
    this.#nats = nats
    this.#pool = pool
  }

  /** Throws StackNotFound (250003) when no DEA knows the stack, StagingError (170001) when none has room. */
  start(request: StagingRequest): void {
    const stack = request.stack ?? null
    if (!this.#pool.knowsStack(stack)) throw apiError('StackNotFound', String(stack))
    const { memory, disk } = request.properties.resources
    const deaId = this.#pool.placeStager({ memoryInMb: memory, diskInMb: disk, stack })
    if (deaId === undefined) throw apiError('StagingError', 'no available stagers')
    publish(this.#nats, subjects.stagingStart(deaId), request, stagingReplySubject.of(request.task_id))
  }

  stop(message: StagingStop): void {
    publish(this.#nats, subjects.stagingStop, message)
  }
}
