import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startTestReactor, until } from './fixtures/start.ts'
import { QueueFull, ThreadEnded } from './index.ts'

describe('a job', () => {
  it('gets its argument and request id, and gives a value', async () => {
    await using started = await startTestReactor()
    const result = await started.reactor.runJob('echo', { a: [1] }, { requestId: 'r-1' })
    assert.deepEqual(result, { argument: { a: [1] }, requestId: 'r-1', task: { requestId: 'r-1', what: 'echo' } })
  })

  it('rejects with what it threw, as its class', async () => {
    await using started = await startTestReactor()
    await assert.rejects(started.reactor.runJob('fail', null), { name: 'OutOfCheese', message: 'job', code: 12 })
    await assert.rejects(started.reactor.runJob('function', null), { name: 'ResultNotCloneable' })
    assert.throws(() => started.reactor.runJob('echo', () => 1), { name: 'ArgumentNotCloneable' })
  })

  it('that overruns its deadline or ends its thread rejects with ThreadEnded', async () => {
    await using started = await startTestReactor()
    const endedBy = (reason: string) => (error: unknown) => error instanceof ThreadEnded && error.reason === reason
    await assert.rejects(started.reactor.runJob('spin', null, { deadlineInSeconds: 0.1 }), endedBy('deadline'))
    await assert.rejects(started.reactor.runJob('exit', null), endedBy('crashed'))
    assert.equal(await started.reactor.runJob('add', null), 42)
  })

  it('beyond the queue is refused with QueueFull', async () => {
    await using started = await startTestReactor({ jobThreads: { maximum: 1, queueLimit: 1 } })
    const running = started.reactor.runJob('gate', null)
    await until(() => started.reactor.threads().job?.blocked === 1, 'the job runs')
    const waiting = started.reactor.runJob('add', null)
    await assert.rejects(started.reactor.runJob('add', null), QueueFull)
    started.gate.resolve()
    assert.equal(await running, 'open')
    assert.equal(await waiting, 42)
  })
})
