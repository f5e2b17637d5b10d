import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AccessLog } from './access-log.ts'
import type { AccessRecord } from './access-record.ts'

const record: AccessRecord = {
  ...{ host: 'app.example.com', method: 'GET', uri: `/${'x'.repeat(15_000)}`, httpVersion: '1.1', receivedAt: 0 },
  ...{ responseTimeInSeconds: 1, routerTimeInSeconds: 0, status: 200, requestBytes: 0, responseBytes: 0 },
  ...{ referer: '', userAgent: '', remoteAddress: '', backendAddress: '', forwardedFor: '', forwardedProto: '' },
  ...{ requestId: '', appGuid: 'app', instanceIndex: '0', instanceId: '', routerError: '' },
}

test('lines for a server that takes nothing are dropped when many wait, and sent again when it takes them', async () => {
  let sentCharacters = 0
  let arrive = () => {}
  const log = new AccessLog({
    routerIndex: 0,
    intervalInMilliseconds: 60_000,
    canPublish: () => true,
    publish: (_, payload) => {
      sentCharacters += payload.length
    },
    arrived: () => {
      const before = arrive
      const { promise, resolve } = Promise.withResolvers<void>()
      arrive = () => {
        before()
        resolve()
      }
      return promise
    },
  })
  for (let i = 0; i < 4_000; i++) log.add(record, {})
  log.flush()
  assert.ok(log.dropped > 0)
  assert.ok(sentCharacters < 34 * 1024 * 1024)
  const [dropped, sent] = [log.dropped, sentCharacters]
  arrive()
  await new Promise(setImmediate)
  log.add(record, {})
  log.flush()
  assert.equal(log.dropped, dropped)
  assert.ok(sentCharacters > sent)
})
