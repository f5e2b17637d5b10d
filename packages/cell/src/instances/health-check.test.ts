import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { probeOf, runProbe } from './health-check.ts'

const defaults = { type: 'port', timeoutInSeconds: 60, intervalInSeconds: 30 } as const

for (const [endpoint, asked] of [
  ['/health?full=1', '/health?full=1'],
  ['/größe/€', '/gr%C3%B6%C3%9Fe/%E2%82%AC'],
  ['/a b%20c', '/a%20b%20c'],
  ['/\ud800', '/%EF%BF%BD'],
] as const)
  test(`an HTTP check of ${JSON.stringify(endpoint)} asks for ${asked}`, async (t) => {
    const paths: unknown[] = []
    const server = createServer((request, response) => {
      paths.push(request.url)
      response.end()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    const probe = probeOf({ type: 'http', endpoint, invocation_timeout: 60 }, defaults)
    assert.equal(await runProbe(probe, (server.address() as AddressInfo).port), undefined)
    assert.deepEqual(paths, [asked])
  })
