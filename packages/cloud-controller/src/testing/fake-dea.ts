import { randomUUID } from 'node:crypto'
import type { TestContext } from 'node:test'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import {
  type DeaAdvertisement,
  type FindDropletReply,
  FindDropletRequest,
  type HeartbeatInstance,
  type InstanceState,
  StagingRequest,
  StagingStop,
  StartMessage,
  StopMessage,
  subjects,
  UpdateMessage,
} from '@vcap/protocol'
import type { z } from 'zod'

/** A DEA that runs nothing: it takes notes, keeps a table of instances and says of them what a test wants. */
export class FakeDea {
  readonly id = `0-${randomUUID().replaceAll('-', '')}`
  readonly starts: StartMessage[] = []
  readonly stops: StopMessage[] = []
  readonly updates: UpdateMessage[] = []
  readonly stagingRequests: Array<{ request: StagingRequest; reply: string }> = []
  readonly stagingStops: StagingStop[] = []
  readonly instances: HeartbeatInstance[] = []
  /** How often somebody asked for an advertisement or a heartbeat. */
  asked = { advertisements: 0, heartbeats: 0 }
  readonly #nats: NatsConnection
  readonly #advertisement: Partial<DeaAdvertisement>

  private constructor(nats: NatsConnection, advertisement: Partial<DeaAdvertisement>) {
    this.#nats = nats
    this.#advertisement = advertisement
  }

  /** Gone when the test ends. Advertises at once and whenever it is asked. */
  static async open(
    t: Pick<TestContext, 'after'>,
    url: string,
    advertisement: Partial<DeaAdvertisement> = {},
  ): Promise<FakeDea> {
    const nats = await connect({ servers: url, timeout: 60_000, maxReconnectAttempts: -1, reconnectTimeWait: 20 })
    t.after(() => nats.close())
    const dea = new FakeDea(nats, advertisement)
    dea.#listen()
    dea.advertise()
    await nats.flush()
    return dea
  }

  advertise(values: Partial<DeaAdvertisement> = {}): void {
    this.publish(subjects.deaAdvertise, {
      id: this.id,
      stacks: ['cflinuxfs4'],
      available_memory: 10_000,
      available_disk: 10_000,
      app_id_to_count: {},
      ...this.#advertisement,
      ...values,
    })
  }

  heartbeat(): void {
    this.publish(subjects.deaHeartbeat, { dea: this.id, droplets: this.instances })
  }

  /** Publishes anything, also what is no message at all. */
  publish(subject: string, message: unknown): void {
    this.#nats.publish(subject, typeof message === 'string' ? message : JSON.stringify(message))
  }

  /** What it was told to start is there from now on, and everybody hears of it. */
  run({ droplet, version, index }: StartMessage, state: InstanceState = 'RUNNING'): HeartbeatInstance {
    const instance = randomUUID().replaceAll('-', '')
    const running = { droplet, version, index, instance, state, state_timestamp: Date.now() / 1000 }
    this.instances.push(running)
    this.heartbeat()
    return running
  }

  #listen(): void {
    const on = <S extends z.ZodType>(
      subject: string,
      schema: S,
      handle: (message: z.output<S>, reply: string) => void,
    ) => this.#nats.subscribe(subject, { callback: (_, raw) => handle(schema.parse(raw.json()), raw.reply ?? '') })
    on(subjects.deaStart(this.id), StartMessage, (message) => this.starts.push(message))
    on(subjects.deaStop, StopMessage, (message) => this.stops.push(message))
    on(subjects.deaUpdate, UpdateMessage, (message) => this.updates.push(message))
    on(subjects.stagingStart(this.id), StagingRequest, (request, reply) =>
      this.stagingRequests.push({ request, reply }),
    )
    on(subjects.stagingStop, StagingStop, (message) => this.stagingStops.push(message))
    on(subjects.deaFindDroplet, FindDropletRequest, (request, reply) => {
      for (const found of this.#find(request)) this.publish(reply, found)
    })
    this.#nats.subscribe(subjects.deaLocate, {
      callback: () => {
        this.asked.advertisements += 1
        this.advertise()
      },
    })
    this.#nats.subscribe(subjects.healthManagerStart, {
      callback: () => {
        this.asked.heartbeats += 1
        this.heartbeat()
      },
    })
  }

  #find({ droplet, version, indices }: FindDropletRequest): FindDropletReply[] {
    return this.instances
      .filter((instance) => instance.droplet === droplet)
      .filter((instance) => version === undefined || instance.version === version)
      .filter((instance) => indices === undefined || indices.includes(instance.index))
      .map((instance) => ({ ...instance, dea: this.id }))
  }
}
