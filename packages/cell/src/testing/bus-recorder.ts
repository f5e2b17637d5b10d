import { connect, type NatsConnection } from '@nats-io/transport-node'
import { DropletExited, Heartbeat, LogBatch, type LogEnvelope, logSubject, RouterRegistration } from '@vcap/protocol'
import { eventually } from './eventually.ts'

export interface Recorded {
  readonly subject: string
  readonly content: unknown
}

export interface LogLine {
  readonly sourceId: string
  readonly source: string
  readonly instance: string
  readonly stream: 'OUT' | 'ERR'
  readonly line: string
}

/** Listens to everything on the bus, and speaks in the name of the Cloud Controller. */
export class BusRecorder {
  readonly connection: NatsConnection
  readonly messages: Recorded[] = []

  static async open(url: string): Promise<BusRecorder> {
    const recorder = new BusRecorder(await connect({ servers: url }))
    recorder.connection.subscribe('>', {
      callback: (_error, message) => {
        const { subject, data } = message
        recorder.messages.push({ subject, content: data.length > 0 ? message.json() : undefined })
      },
    })
    await recorder.connection.flush()
    return recorder
  }

  private constructor(connection: NatsConnection) {
    this.connection = connection
  }

  publish(subject: string, message?: unknown, reply?: string): void {
    this.connection.publish(
      subject,
      message === undefined ? undefined : JSON.stringify(message),
      reply === undefined ? {} : { reply },
    )
  }

  on(subject: string): unknown[] {
    return this.messages.filter((message) => message.subject === subject).map(({ content }) => content)
  }

  /** Waits for a message on the subject that passes the test, among those that came and will come. */
  async message<T>(
    subject: string,
    parse: (content: unknown) => T,
    passes: (message: T) => boolean = () => true,
  ): Promise<T> {
    return eventually(`a message on ${subject}`, () => this.on(subject).map(parse).find(passes))
  }

  exit(droplet: string): Promise<DropletExited> {
    return this.message('droplet.exited', DropletExited.parse, (exited) => exited.droplet === droplet)
  }

  registrations(droplet: string, subject: 'router.register' | 'router.unregister' = 'router.register') {
    return this.on(subject)
      .map((content) => RouterRegistration.parse(content))
      .filter(({ tags }) => tags?.process_id === droplet)
  }

  /** Waits until the last heartbeat shows these states, in the order of indices, for the process. */
  async states(droplet: string, ...states: string[]) {
    return eventually(`${droplet} ${states.join(', ')}`, () => {
      const last = this.on('dea.heartbeat').at(-1)
      const found = Heartbeat.parse(last ?? { dea: '', droplets: [] })
        .droplets.filter((instance) => instance.droplet === droplet)
        .sort((a, b) => a.index - b.index)
      return JSON.stringify(found.map(({ state }) => state)) === JSON.stringify(states) ? found : undefined
    })
  }

  envelopes(messages: readonly Recorded[] = this.messages): LogEnvelope[] {
    return messages
      .filter(({ subject }) => subject === logSubject)
      .flatMap(({ content }) => LogBatch.parse(content).batch)
  }

  /** The log of an app, as far as these messages brought it. */
  log(sourceId: string, messages?: readonly Recorded[]): LogLine[] {
    return this.envelopes(messages).flatMap(({ source_id, instance_id, tags, log }) =>
      log && source_id === sourceId
        ? [
            {
              sourceId,
              instance: instance_id,
              source: tags.source_type ?? '',
              stream: log.type,
              line: Buffer.from(log.payload, 'base64').toString('utf8'),
            },
          ]
        : [],
    )
  }

  /** Waits for a line in the log of the app. */
  line(sourceId: string, source: string, text: string | RegExp): Promise<LogLine> {
    const passes = (line: string) => (typeof text === 'string' ? line === text : text.test(line))
    return eventually(`the line ${text} of ${source}`, () =>
      this.log(sourceId).find((entry) => entry.source === source && passes(entry.line)),
    )
  }
}
