import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { eventually } from '../testing/eventually.ts'
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

for (const type of ['port', 'http'] as const)
  test(`the answer to a check by ${type} that came while the cell stood still counts, though its time is over`, async (t) => {
    const server = spawn(process.execPath, [
      '-e',
      "const s = require('node:http').createServer((_, r) => r.end()).listen(0, '127.0.0.1', () => console.log(s.address().port))",
    ])
    t.after(() => server.kill('SIGKILL'))
    const [line] = await once(server.stdout, 'data')
    const probe = probeOf({ type, invocation_timeout: 0.2 }, defaults)
    const whileStandingStill = async () => {
      const answer = runProbe(probe, Number(line))
      await new Promise((resolve) => setTimeout(resolve, 0))
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500)
      return await answer
    }
    // The server, too, may stand still for the short time that it has: once is enough, and never was the rule.
    await eventually('a healthy answer', async () => (await whileStandingStill()) === undefined || undefined)
  })
