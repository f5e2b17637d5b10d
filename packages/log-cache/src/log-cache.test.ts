import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { startNatsBroker } from '@vcap/nats-broker'
import { logSubject, type RunningComponent } from '@vcap/protocol'
import { pino } from 'pino'
import { startLogCache } from './log-cache.ts'
import { eventually } from './testing/eventually.ts'
import {
  type AppDirectory,
  startAppDirectory,
  startTokenServer,
  startUpstream,
  type TokenServer,
} from './testing/upstreams.ts'

const logger = pino({ level: 'silent' })
/** The machine may stand still for a while, and nothing of that is what the tests are about. */
const patient = { upstreamTimeoutInSeconds: 60, accessGrantedInSeconds: 600 }

interface Envelope {
  timestamp: string
  source_id: string
  instance_id: string
  tags: Record<string, string>
  log?: { payload: string; type: string }
  gauge?: { metrics: Record<string, { unit: string; value: number }> }
  counter?: { name: string }
  timer?: { name: string }
}

describe('log-cache', () => {
  let broker: Awaited<ReturnType<typeof startNatsBroker>>
  let uaa: TokenServer
  let directory: AppDirectory
  let logCache: RunningComponent
  let nats: NatsConnection
  let admin: string

  before(async () => {
    broker = await startNatsBroker({ port: 0 }, { logger })
    uaa = await startTokenServer()
    directory = await startAppDirectory()
    logCache = await startLogCache(
      {
        ...patient,
        port: 0,
        nats: { url: broker.addresses.nats },
        uaaUrl: uaa.url,
        cloudControllerUrl: directory.url,
      },
      { logger },
    )
    nats = await connect({ servers: broker.addresses.nats, timeout: 60_000 })
    admin = await uaa.token(['cloud_controller.admin'])
  })
  after(async () => {
    await nats.close()
    await logCache.stop()
    await directory.stop()
    await uaa.stop()
    await broker.stop()
  })

  const get = (path: string, authorization: string | undefined = admin) =>
    fetch(`${logCache.addresses.http}${path}`, { headers: authorization ? { Authorization: authorization } : {} })
  const read = async (path: string, authorization = admin): Promise<Envelope[]> => {
    const response = await get(path, authorization)
    assert.equal(response.status, 200, await response.clone().text())
    return ((await response.json()) as { envelopes: { batch: Envelope[] } }).envelopes.batch
  }
  const lines = (batch: readonly Envelope[]) =>
    batch.map(({ log }) => Buffer.from(log?.payload ?? '', 'base64').toString())
  const line = (source_id: string, timestamp: number | string, text: string, more: object = {}) => ({
    ...{ source_id, timestamp: String(timestamp), instance_id: '0', tags: { source_type: 'APP/PROC/WEB' } },
    ...{ log: { payload: Buffer.from(text).toString('base64'), type: 'OUT' }, ...more },
  })
  const send = async (sourceId: string, batch: readonly object[]) => {
    nats.publish(logSubject, JSON.stringify({ batch }))
    nats.publish(logSubject, JSON.stringify({ batch: [line(`end of ${sourceId}`, 1, 'end')] }))
    await eventually(
      () => read(`/api/v1/read/${encodeURIComponent(`end of ${sourceId}`)}`),
      (found) => found.length > 0,
    )
  }

  it('tells its version to anyone', async () => {
    const response = await get('/api/v1/info', '')
    assert.equal(response.status, 200)
    const info = (await response.json()) as { version: string; vm_uptime: string }
    assert.match(info.version, /^3\.\d+\.\d+$/)
    assert.match(info.vm_uptime, /^\d+$/)
  })

  it('answers with the fields of protobuf JSON, all of them and no other', async () => {
    await send('shape', [line('shape', 17, 'héllo', { instance_id: '3', surprise: true })])
    const response = await get('/api/v1/read/shape')
    assert.equal(response.headers.get('content-type'), 'application/json')
    assert.deepEqual(await response.json(), {
      envelopes: {
        batch: [
          {
            timestamp: '17',
            source_id: 'shape',
            instance_id: '3',
            deprecated_tags: {},
            tags: { source_type: 'APP/PROC/WEB' },
            log: { payload: Buffer.from('héllo').toString('base64'), type: 'OUT' },
          },
        ],
      },
    })
    assert.deepEqual(await (await get('/api/v1/read/nothing')).json(), { envelopes: { batch: [] } })
  })

  it('serves what cf logs asks for', async () => {
    const base = BigInt(Date.now()) * 1_000_000n
    const batch = Array.from({ length: 1500 }, (_, i) => line('cf', String(base - 10_000n + BigInt(i)), `line ${i}`))
    await send('cf', [
      ...batch,
      { ...line('cf', String(base - 1n), ''), log: undefined, event: { title: 't', body: 'b' } },
    ])

    const recent = await read(
      '/api/v1/read/cf?descending=true&envelope_types=LOG&limit=1000&start_time=-6795364578871345152',
    )
    assert.equal(recent.length, 1000)
    assert.equal(lines(recent)[0], 'line 1499')
    assert.equal(lines(recent)[999], 'line 500')

    const newest = await read('/api/v1/read/cf?descending=true&limit=1&start_time=-6795364578871345152')
    assert.deepEqual(
      newest.map(({ timestamp }) => timestamp),
      [String(base - 1n)],
    )
    const followed = await read(`/api/v1/read/cf?envelope_types=LOG&start_time=${base - 10_000n + 1497n}`)
    assert.deepEqual(lines(followed), ['line 1497', 'line 1498', 'line 1499'])
    assert.equal((await read('/v1/read/cf')).length, 100, 'the default limit, at the old address')
  })

  it('chooses by type, also by several', async () => {
    const blank = { log: undefined }
    await send('types', [
      line('types', 1, 'log'),
      line('types', 2, '', { ...blank, gauge: { metrics: { cpu: { unit: 'percentage', value: 1.5 } } } }),
      line('types', 3, '', { ...blank, counter: { name: 'requests', delta: '1', total: '18446744073709551615' } }),
      line('types', 4, '', { ...blank, timer: { name: 'http', start: '1', stop: '2' } }),
      line('types', 5, '', { ...blank, event: { title: 't', body: 'b' } }),
    ])
    const times = async (query: string) => (await read(`/api/v1/read/types?${query}`)).map((e) => Number(e.timestamp))
    assert.deepEqual(await times(''), [1, 2, 3, 4, 5])
    assert.deepEqual(await times('envelope_types=ANY'), [1, 2, 3, 4, 5])
    assert.deepEqual(await times('envelope_types=LOG'), [1])
    assert.deepEqual(await times('envelope_types=GAUGE&envelope_types=COUNTER'), [2, 3])
    assert.deepEqual(await times('envelope_types=TIMER&envelope_types=5'), [4, 5])
    const [gauge] = await read('/api/v1/read/types?envelope_types=GAUGE')
    assert.deepEqual(gauge?.gauge, { metrics: { cpu: { unit: 'percentage', value: 1.5 } } })
  })

  it('chooses metrics by name', async () => {
    const metrics = { cpu: { unit: 'percentage', value: 1 }, memory: { unit: 'bytes', value: 2 } }
    await send('names', [
      line('names', 1, 'cpu'),
      line('names', 2, '', { log: undefined, gauge: { metrics } }),
      line('names', 3, '', { log: undefined, counter: { name: 'CPU_seconds', delta: '1', total: '2' } }),
      line('names', 4, '', { log: undefined, timer: { name: 'http', start: '1', stop: '2' } }),
    ])
    const found = await read('/api/v1/read/names?name_filter=%5Ecpu')
    assert.deepEqual(
      found.map(({ timestamp, gauge }) => [timestamp, Object.keys(gauge?.metrics ?? {})]),
      [['2', ['cpu']]],
    )
    const insensitive = await read(`/api/v1/read/names?name_filter=${encodeURIComponent('(?i)^cpu')}`)
    assert.deepEqual(
      insensitive.map(({ timestamp }) => timestamp),
      ['2', '3'],
    )
    assert.equal((await get('/api/v1/read/names?name_filter=(')).status, 400)
  })

  it('gives up on a name filter that would take for ever', async () => {
    const name = 'a'.repeat(60)
    const counter = { name, delta: '1', total: '2' }
    await send('evil', [line('evil', 1, '', { log: undefined, counter })])
    const response = await get(`/api/v1/read/evil?name_filter=${encodeURIComponent('^(a+)+$b')}`)
    assert.equal(response.status, 400)
    assert.match(await response.text(), /takes too long/)
  })

  it('says what is wrong with a query', async () => {
    for (const [query, message] of [
      ['limit=1001', 'limit must be 1000 or less'],
      ['limit=-1', 'limit must be greater than zero'],
      ['limit=many', 'limit must be a whole number'],
      ['start_time=today', 'start_time must be a whole number'],
      ['start_time=5&end_time=4', 'start_time (5) must be before end_time (4)'],
      ['envelope_types=LOGS', 'envelope_types must be one of ANY, LOG, COUNTER, GAUGE, TIMER, EVENT'],
      ['descending=yes', 'descending must be a boolean'],
    ]) {
      const response = await get(`/api/v1/read/any?${query}`)
      assert.equal(response.status, 400, query)
      assert.deepEqual(await response.json(), { code: 3, message, details: [] })
    }
  })

  it('takes source ids with slashes, dots and percent signs', async () => {
    await send('odd', [line('a/b', 1, 'slash'), line('100%', 1, 'percent'), line('p.x y', 1, 'dot')])
    assert.deepEqual(lines(await read('/api/v1/read/a/b')), ['slash'])
    assert.deepEqual(lines(await read('/api/v1/read/a%2Fb')), ['slash'])
    assert.deepEqual(lines(await read('/api/v1/read/100%25')), ['percent'])
    assert.deepEqual(lines(await read('/api/v1/read/p.x%20y')), ['dot'])
  })

  it('keeps the good envelopes of a batch with a bad one, and goes on after a message that is no batch', async () => {
    nats.publish(logSubject, 'no json')
    nats.publish(logSubject, '{"batch":7}')
    await send('mixed', [
      line('mixed', 1, 'one'),
      { source_id: 'mixed', timestamp: 'yesterday' },
      line('mixed', 2, '', { log: { payload: '?', type: 'OUT' } }),
      line('mixed', 3, 'three'),
    ])
    assert.deepEqual(lines(await read('/api/v1/read/mixed')), ['one', 'three'])
  })

  describe('who may read', () => {
    it('shows nothing, not even that there is something, without a valid token', async () => {
      await send('secret', [line('secret', 1, 'secret')])
      const others = await startTokenServer()
      for (const [why, authorization] of Object.entries({
        none: '',
        basic: 'Basic YTpi',
        garbage: 'bearer x.y.z',
        expired: await uaa.token(['doppler.firehose'], { lifeInSeconds: -10 }),
        'for others': await uaa.token(['doppler.firehose'], { aud: ['elsewhere'] }),
        'of another zone of the UAA': await uaa.token(['doppler.firehose'], { iss: 'http://zone.uaa.example.com' }),
        'a refresh token': await uaa.token(['doppler.firehose'], { jti: 'token-1-r' }),
        'of another UAA': await others.token(['doppler.firehose']),
        unsigned: `bearer ${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"scope":["logs.admin"],"aud":"logs","exp":9999999999}').toString('base64url')}.`,
      })) {
        for (const path of ['/api/v1/read/secret', '/v1/read/secret', '/api/v1/meta']) {
          const response = await get(path, authorization)
          assert.equal(response.status, 404, why)
          assert.equal(await response.text(), '', why)
        }
      }
      await others.stop()
    })

    it('shows all to those who see all', async () => {
      for (const scope of ['doppler.firehose', 'logs.admin', 'cloud_controller.admin_read_only']) {
        const token = await uaa.token([scope], { aud: ['doppler', 'logs', 'cloud_controller'] })
        assert.deepEqual(lines(await read('/api/v1/read/secret', token)), ['secret'])
      }
    })

    it('shows others what the Cloud Controller lets them see, and asks it once', async () => {
      const [app, service] = ['5f0c7c1f-app', '5f0c7c1f-service']
      await send('theirs', [line(app, 1, 'app'), line(service, 1, 'service'), line('foreign', 1, 'foreign')])
      const token = await uaa.token(['cloud_controller.read'], { sub: 'developer' })
      directory.visible.set(token, { apps: [app, 'silent'], services: [service] })
      assert.deepEqual(lines(await read(`/api/v1/read/${app}`, token)), ['app'])
      assert.deepEqual(lines(await read(`/api/v1/read/${service}`, token)), ['service'])
      assert.equal((await get('/api/v1/read/foreign', token)).status, 404)
      assert.equal((await get('/api/v1/read/..%2F..%2Fv3%2Fapps', token)).status, 404)
      const asked = directory.asked.length
      for (let i = 0; i < 3; i++) await read(`/api/v1/read/${app}`, token)
      assert.equal(directory.asked.length, asked)
      assert.equal(directory.asked.filter((path) => path === `/internal/v4/log_access/${app}`).length, 1)

      const { meta } = (await (await get('/api/v1/meta', token)).json()) as { meta: object }
      assert.deepEqual(Object.keys(meta).sort(), [app, service])
      const stranger = await uaa.token(['cloud_controller.read'], { sub: 'stranger' })
      assert.equal((await get(`/api/v1/read/${app}`, stranger)).status, 404)
      assert.deepEqual(await (await get('/api/v1/meta', stranger)).json(), { meta: {} })
    })

    it('tells those who see all what it holds', async () => {
      await send('counted', [line('counted', 5, 'a'), line('counted', 9, 'b')])
      const { meta } = (await (await get('/api/v1/meta')).json()) as { meta: Record<string, object> }
      assert.deepEqual(meta.counted, { count: '2', expired: '0', oldest_timestamp: '5', newest_timestamp: '9' })
      assert.ok(meta.secret)
    })

    /** Another log-cache, of a UAA whose keys and name may change. */
    async function startWithOwnUaa() {
      const own = await startTokenServer()
      const nats = { url: broker.addresses.nats }
      const options = { ...patient, port: 0, nats, uaaUrl: own.url, tokenKeyCooldownInSeconds: 0.1 }
      const second = await startLogCache(options, { logger })
      return {
        own,
        status: async (Authorization: string) =>
          (await fetch(`${second.addresses.http}/api/v1/meta`, { headers: { Authorization } })).status,
        async stop() {
          await second.stop()
          await own.stop()
        },
      }
    }

    it('fetches the keys once, and again when the key under a name is a new one', async () => {
      const { own, status, stop } = await startWithOwnUaa()
      const old = await own.token(['logs.admin'])
      assert.deepEqual([await status(old), await status(old), own.keyRequests], [200, 200, 1])
      await own.replaceKey()
      const fresh = await own.token(['logs.admin'])
      await eventually(
        () => status(fresh),
        (answer) => answer === 200,
      )
      assert.equal(own.keyRequests, 2)
      assert.equal(await status(old), 404)
      await stop()
    })

    it('takes the tokens of a UAA that calls itself something else from now on', async () => {
      const { own, status, stop } = await startWithOwnUaa()
      const old = await own.token(['logs.admin'])
      assert.equal(await status(old), 200)
      own.issuer = 'https://uaa.example.com/oauth/token'
      const fresh = await own.token(['logs.admin'])
      await eventually(
        () => status(fresh),
        (answer) => answer === 200,
      )
      assert.equal(await status(old), 404)
      await stop()
    })

    it('answers 503 where nobody can say who may read', async () => {
      const broken = await startUpstream((_, res) => res.writeHead(500).end())
      const gone = await startUpstream((_, res) => res.end())
      await gone.stop()
      for (const [uaaUrl, cloudControllerUrl] of [
        [broken.url, directory.url],
        [gone.url, directory.url],
        [uaa.url, broken.url],
        [uaa.url, gone.url],
      ] as const) {
        const second = await startLogCache(
          { ...patient, port: 0, nats: { url: broker.addresses.nats }, uaaUrl, cloudControllerUrl },
          { logger },
        )
        const headers = { Authorization: await uaa.token(['cloud_controller.read']) }
        const paths = ['/api/v1/read/any', '/api/v1/meta']
        for (const path of paths) assert.equal((await fetch(second.addresses.http + path, { headers })).status, 503)
        await second.stop()
      }
      await broken.stop()
    })
  })

  it('says at once when its port is taken', async () => {
    const { port } = new URL(logCache.addresses.http ?? '')
    await assert.rejects(startLogCache({ port: Number(port), nats: { url: broker.addresses.nats } }, { logger }), {
      code: 'EADDRINUSE',
    })
  })
})
