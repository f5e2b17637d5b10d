import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startTestReactor, type TestReactor, until } from './fixtures/start.ts'

interface Caught {
  readonly value?: unknown
  readonly error?: {
    readonly isA: string
    readonly name: string
    readonly message: string
    readonly stack: string
    readonly fields: Record<string, unknown>
    readonly cause?: { readonly isA: string; readonly message: string }
    readonly thrown?: unknown
  }
}

describe('scheduleSync', () => {
  let started: TestReactor
  before(async () => {
    started = await startTestReactor()
  })
  after(() => started[Symbol.asyncDispose]())

  async function ask(path: string): Promise<Caught> {
    const response = await fetch(started.url + path)
    assert.equal(response.status, 200, path)
    return (await response.json()) as Caught
  }

  it('gives the value of an operation', async () => {
    assert.deepEqual(await ask('/add'), { value: 5 })
  })

  it('waits for an operation that returns a promise', async () => {
    assert.deepEqual(await ask('/later'), { value: 'done' })
  })

  for (const path of ['/fail', '/fail-later']) {
    it(`throws what the operation threw: class, message, code, fields and both stacks (${path})`, async () => {
      const { error } = await ask(path)
      assert.equal(error?.isA, 'OutOfCheese')
      assert.equal(error.name, 'OutOfCheese')
      assert.equal(error.message, path === '/fail' ? 'no cheddar' : 'no gouda')
      assert.equal(error.fields.code, 4711)
      assert.deepEqual(error.fields.details, { shelf: 'top' })
      const [onReactor, inThread] = error.stack.split(
        / {4}--- scheduleSync\('fail(?:Later)?'\) called in thread \d+ ---\n/,
      )
      assert.match(onReactor ?? '', /fixtures\/operations\.ts/)
      assert.match(inThread ?? '', /fixtures\/request-thread\.ts/)
      assert.doesNotMatch(inThread ?? '', /schedule-sync\.ts/)
    })
  }

  it('brings the cause along, with its class', async () => {
    const { error } = await ask('/fail')
    assert.equal(error?.cause?.isA, 'RangeError')
    assert.equal(error.cause.message, 'the mouse was here')
  })

  it('throws a value that is no error as it is', async () => {
    assert.deepEqual(await ask('/throw-text'), { error: { thrown: 'just text' } })
  })

  it('names the argument that can not be sent', async () => {
    const { error } = await ask('/bad-argument')
    assert.equal(error?.isA, 'ArgumentNotCloneable')
    assert.equal(error.message, "argument 1 .options[0].onEnd of 'echo' can't be sent to another thread")
  })

  it('says so when the result can not be sent', async () => {
    assert.equal((await ask('/give-function')).error?.isA, 'ResultNotCloneable')
  })

  it('refuses an operation that is not in the table, also one that every object inherits', async () => {
    assert.equal((await ask('/unknown')).error?.isA, 'UnknownOperation')
  })

  it('throws ReactorTimeout when the operation takes too long', async () => {
    const { error } = await ask('/timeout')
    assert.equal(error?.isA, 'ReactorTimeout')
    assert.equal(error.fields.operation, 'never')
    assert.equal(error.fields.timeoutInSeconds, 0.02)
  })

  it('does not take the late answer of a call that timed out for that of the next', async () => {
    assert.deepEqual(await ask('/after-timeout'), { value: ['ReactorTimeout', 'fresh', 2] })
  })

  it('is refused where the application says so', async () => {
    const { error } = await ask('/transaction')
    assert.equal(error?.isA, 'ScheduleSyncRefused')
    assert.match(error.message, /a transaction is open/)
    assert.deepEqual(await ask('/add'), { value: 5 })
  })

  it('carries 8 MiB of bytes both ways and leaves the original usable', async () => {
    assert.deepEqual(await ask('/binary'), { value: [8_388_608, true, 8_388_608] })
  })

  it('keeps the answers of many threads apart', async () => {
    const answers = await Promise.all(Array.from({ length: 4 }, () => ask('/many?n=300')))
    assert.deepEqual(answers, Array(4).fill({ value: 300 }))
  })

  it('works from a job thread', async () => {
    assert.equal(await started.reactor.runJob('add', null), 42)
  })

  it('schedule does not wait, keeps the order, and logs what fails', async () => {
    started.notes.length = 0
    assert.deepEqual(await ask('/schedule'), { value: 1 })
    assert.deepEqual(started.notes, [0, 1, 2, 3, 4])
    await until(() => started.logs.some((line) => line.msg === 'a scheduled operation failed'), 'the log line')
  })
})

describe('an operation whose thread is ended', () => {
  for (const [path, name] of [
    ['/gate', 'gives a value that nobody takes'],
    ['/fail-after-gate', 'throws an error that nobody catches'],
  ] as const) {
    it(`${name}, and the reactor goes on`, async () => {
      await using started = await startTestReactor()
      const response = await fetch(`${started.url}${path}?deadline=0.5`)
      assert.equal(response.status, 504)
      await until(() => started.reactor.threads().request.ending === 0, 'the thread is gone')
      assert.deepEqual(started.notes, ['waiting'])
      started.gate.resolve()
      assert.equal((await fetch(`${started.url}/add`)).status, 200)
      const late = started.logs.filter((line) => line.msg === 'an operation failed after its thread had ended')
      assert.equal(late.length, path === '/gate' ? 0 : 1)
      if (path !== '/gate') assert.equal(typeof late[0]?.requestId, 'string')
    })
  }
})
