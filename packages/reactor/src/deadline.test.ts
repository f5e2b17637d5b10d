import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { faultOf, startTestReactor, until } from './fixtures/start.ts'

describe('a deadline', () => {
  for (const [path, stack] of [
    ['/spin', /at (spinForEver|\/spin) \(file:.*request-thread\.ts:\d+\)/],
    ['/never', /no JavaScript was running/],
    ['/block?ms=60000', /request-thread\.ts/],
    ['/gate', /blocked in scheduleSync\('waitForGate'\)/],
  ] as const) {
    it(`ends ${path}, answers 504, logs request and stack, and replaces the thread`, async () => {
      await using started = await startTestReactor({
        // More patience than by default, for a machine that is busy with other tests.
        requestThreads: { minimum: 1, maximum: 1, stackCaptureInMilliseconds: 8000 },
      })
      const url = `${started.url}${path}${path.includes('?') ? '&' : '?'}deadline=0.5`
      const response = await fetch(url, { method: 'POST', body: 'x'.repeat(2_000_000) })
      assert.equal(response.status, 504)
      assert.equal(await faultOf(response), 'deadline')
      const line = started.logs.find((each) => each.msg === 'a task overran its deadline; its thread is ended')
      assert.equal(line?.method, 'POST')
      assert.equal(line.path, url.slice(started.url.length))
      assert.equal(typeof line.requestId, 'string')
      assert.match(String(line.stack), stack)
      await until(async () => (await started.temporaryFiles()).length === 0, 'its temporary file is deleted')
      assert.equal((await fetch(`${started.url}/add`)).status, 200)
      await until(() => started.reactor.threads().request.ending === 0, 'the thread is gone')
    })
  }

  it('rolls back the transaction of the thread, and frees its lock', async () => {
    await using started = await startTestReactor()
    const path = join(started.temporaryDirectory, 'notes.db')
    const database = new DatabaseSync(path)
    database.exec('PRAGMA journal_mode = WAL; PRAGMA busy_timeout = 0; CREATE TABLE notes (text TEXT)')
    const response = fetch(`${started.url}/transaction-then-spin?database=${path}&deadline=2`)
    const isLocked = (): boolean => {
      try {
        database.exec('BEGIN IMMEDIATE; ROLLBACK')
        return false
      } catch {
        return true
      }
    }
    await until(() => started.notes.includes('locked'), 'the thread has the lock')
    assert.equal((await response).status, 504)
    // The answer says that the thread is gone: no wait here.
    assert.equal(isLocked(), false)
    assert.deepEqual(database.prepare('SELECT * FROM notes').all(), [])
    database.close()
  })

  it('of many hanging requests at once leaves the others answered and the threads as they were', async () => {
    await using started = await startTestReactor({
      requestThreads: { minimum: 2, maximum: 6, retireAfterIdleInSeconds: 0.3 },
    })
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) => fetch(`${started.url}${i % 20 === 0 ? '/never?deadline=0.2' : '/hello'}`)),
    )
    assert.deepEqual(
      answers.map((each) => each.status),
      Array.from({ length: 200 }, (_, i) => (i % 20 === 0 ? 504 : 200)),
    )
    await until(() => {
      const { idle, busy, starting, ending } = started.reactor.threads().request
      return idle === 2 && busy + starting + ending === 0
    }, 'two idle threads')
  })
})
