import assert from 'node:assert/strict'
import { getPriority } from 'node:os'
import { describe, it } from 'node:test'
import { startTestReactor, until } from './fixtures/start.ts'

describe('a request that runs for long', {
  skip: process.platform !== 'linux' && 'threads have priorities on Linux only',
}, () => {
  it('gives way to the others while it runs, and its thread is as before or replaced afterwards', async () => {
    await using started = await startTestReactor({
      requestThreads: { minimum: 1, maximum: 1, demoteAfterInMilliseconds: 1000 },
    })
    const before = (await (await fetch(`${started.url}/priority`)).json()) as { priority: number }
    assert.equal(before.priority, getPriority())
    const during = (await (await fetch(`${started.url}/priority?until=19`)).json()) as { priority: number }
    assert.equal(during.priority, 19)
    await until(() => started.reactor.threads().request.idle === 1, 'a thread is idle')
    const after = (await (await fetch(`${started.url}/priority`)).json()) as { priority: number }
    assert.equal(after.priority, getPriority())
    assert.equal(getPriority(), before.priority, 'the reactor itself is not touched')
  })
})
