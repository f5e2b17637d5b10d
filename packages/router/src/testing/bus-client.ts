import { connect, type NatsConnection } from '@nats-io/transport-node'
import { LogBatch, type LogEnvelope, logSubject, routerSubjects } from '@vcap/protocol'

/** Much longer than anything takes: the machine may be slow, and busy with other tests. */
const patienceInMilliseconds = 60_000

export interface RegistrationFields {
  readonly host: string
  readonly port: number
  readonly uris: readonly string[]
  readonly [field: string]: unknown
}

/** What cells and other components do on the bus. */
export interface BusClient {
  readonly connection: NatsConnection
  readonly logs: readonly LogEnvelope[]
  register(message: RegistrationFields): Promise<void>
  unregister(message: RegistrationFields): Promise<void>
  stop(): Promise<void>
}

export async function openBusClient(url: string): Promise<BusClient> {
  const connection = await connect({
    servers: url,
    timeout: patienceInMilliseconds,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 20,
  })
  const logs: LogEnvelope[] = []
  connection.subscribe(logSubject, { callback: (_, msg) => void logs.push(...LogBatch.parse(msg.json()).batch) })
  const send = async (subject: string, { host, port, uris, ...rest }: RegistrationFields) => {
    connection.publish(subject, JSON.stringify({ host, port, uris, ...rest }))
    // The router has read it when it answers what was sent after it.
    await connection.request(routerSubjects.greet, '', { timeout: patienceInMilliseconds })
  }
  return {
    connection,
    logs,
    register: (message) => send(routerSubjects.register, message),
    unregister: (message) => send(routerSubjects.unregister, message),
    stop: () => connection.close(),
  }
}
