import type { StagingCompletion, StagingRequest, StagingSetup, StagingStop, StartMessage } from '@vcap/protocol'
import type { Bus } from '../bus.ts'
import type { CellContext } from '../cell-context.ts'
import type { BuildpackCache } from '../transfer/buildpack-cache.ts'
import { StagingTask } from './staging-task.ts'

/** The cell's staging tasks: takes requests and orders to stop, and answers on the request's reply subject. */
export class Stager {
  readonly #context: CellContext
  readonly #bus: Bus
  readonly #buildpacks: BuildpackCache
  readonly #startInstance: (message: StartMessage) => void
  readonly #tasks = new Map<string, { task: StagingTask; done: Promise<void> }>()
  #isStopping = false

  constructor(
    context: CellContext,
    bus: Bus,
    buildpacks: BuildpackCache,
    startInstance: (message: StartMessage) => void,
  ) {
    this.#context = context
    this.#bus = bus
    this.#buildpacks = buildpacks
    this.#startInstance = startInstance
  }

  /**
   * `staging.<id>.start`: answers twice, when there is room for the task and when it is complete; after an error in the
   * first answer there is no second.
   */
  start(request: StagingRequest, replyTo: string | undefined): void {
    const { task_id } = request
    if (this.#tasks.has(task_id)) return
    const refusal = this.#refusalOf(request)
    const { memory, disk } = request.properties.resources
    const reservation = refusal ?? this.#context.capacity.reserve({ memoryInMb: memory, diskInMb: disk })
    if (typeof reservation === 'string') {
      const error = refusal ?? `insufficient resources: ${reservation}`
      this.#reply(replyTo, { task_id, phase: 'setup', task_streaming_log_url: null, error })
      return
    }
    this.#reply(replyTo, { task_id, phase: 'setup', task_streaming_log_url: null, error: null })
    const task = new StagingTask(this.#context, this.#buildpacks, request)
    const done = this.#carryOut(task, replyTo)
      .catch((error: unknown) => this.#context.logger.error({ err: error, task: task_id }, 'staging task broke'))
      .finally(() => {
        reservation.release()
        this.#tasks.delete(task_id)
      })
    this.#tasks.set(task_id, { task, done })
  }

  /** `staging.stop`: the tasks of the app, or the one that is named. */
  stop({ app_id, task_id }: StagingStop): void {
    for (const { task } of this.#tasks.values())
      if (task.request.app_id === app_id && (task_id === undefined || task_id === task.request.task_id)) task.stop()
  }

  /** Ends every task and takes no new ones. Resolves when nothing is left of any. */
  async stopAll(): Promise<void> {
    this.#isStopping = true
    for (const { task } of this.#tasks.values()) task.stop()
    await Promise.all([...this.#tasks.values()].map(({ done }) => done))
  }

  async #carryOut(task: StagingTask, replyTo: string | undefined): Promise<void> {
    const completion = await task.run()
    this.#reply(replyTo, completion)
    const { start_message } = task.request
    if (start_message && completion.droplet_sha1)
      this.#startInstance({ ...start_message, sha1: completion.droplet_sha1 })
    await task.clear()
  }

  #refusalOf({ stack }: StagingRequest): string | undefined {
    if (this.#isStopping) return 'the cell is shutting down'
    if (stack && !this.#context.config.stacks.includes(stack)) return `the stack ${stack} is not available on this cell`
    return undefined
  }

  #reply(replyTo: string | undefined, message: StagingSetup | StagingCompletion): void {
    if (replyTo) this.#bus.publish(replyTo, message)
  }
}
