import type { TestContext } from 'node:test'
import { pino } from 'pino'
import { Pool } from 'undici'
import { startCloudController } from '../start.ts'
import { FakeUaa } from './fake-uaa.ts'
import type { Client, TestController } from './test-controller.ts'

/** A whole Cloud Controller with its threads and its listener, on the database and the blobs of a test controller. */
export interface FrontDoor {
  readonly url: string
  /** A token of this client's user, for the Authorization header. */
  tokenOf(client: Client): Promise<string>
  send(request: {
    readonly method: string
    readonly path: string
    readonly headers: Readonly<Record<string, string>>
    readonly body: string | Uint8Array | undefined
  }): Promise<{ status: number; body: unknown }>
  /** The numbers for Prometheus: `name{labels}` → value. */
  metrics(): Promise<ReadonlyMap<string, number>>
}

const connections = 16

/** Stopped when the test ends. UAA knows nobody. Nothing happens by itself that changes rows, except leases. */
export async function openFrontDoor(
  t: Pick<TestContext, 'after'>,
  { settings }: TestController,
  natsUrl: string,
): Promise<FrontDoor> {
  const logger = pino({ level: process.env.VCAP_TEST_LOG ?? 'silent' })
  const uaa = await FakeUaa.open(t as TestContext)
  uaa.answer = (request, answer) => {
    if (request.url === '/oauth/token') answer(200, { access_token: 'token', expires_in: 3600 })
    else answer(200, { totalResults: 0, resources: [] })
  }
  const { dataDirectory, databaseUrl, stagingAuth, encryptionKeys } = settings
  const controller = await startCloudController(
    {
      port: 0,
      dataDirectory,
      databaseUrl,
      stagingAuth,
      encryptionKeys,
      nats: { url: natsUrl },
      uaa: { url: uaa.url, clientId: 'controller', clientSecret: 'secret' },
      threads: { minimumRequestThreads: 2, requestDeadlineInSeconds: 120 },
      metrics: { port: 0 },
      packages: { maximumSizeInBytes: 10_000_000 },
      dea: { reconcile: false },
    },
    { logger },
  )
  const { http = '', metrics } = controller.addresses
  const pool = new Pool(http, { connections })
  t.after(async () => {
    await pool.destroy()
    await controller.stop()
  })
  const expiry = Math.floor(Date.now() / 1000) + 24 * 3600
  return {
    url: http,
    tokenOf: async ({ userGuid, scopes }) =>
      `bearer ${await uaa.token({ user_id: userGuid, scope: scopes, exp: expiry })}`,
    async send({ method, path, headers, body }) {
      const answer = await pool.request({ method: method as 'GET', path, headers, body: body ?? null })
      const text = await answer.body.text()
      return { status: answer.statusCode, body: text.startsWith('{') ? JSON.parse(text) : text }
    },
    async metrics() {
      const answer = await fetch(`${metrics}/metrics`)
      const lines = (await answer.text()).matchAll(/^(\w+(?:\{.*\})?) (\S+)$/gm)
      return new Map([...lines].map(([, name = '', value]) => [name, Number(value)]))
    },
  }
}
