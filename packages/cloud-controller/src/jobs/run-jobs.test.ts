import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { openDatabase } from '../db/database.ts'
import { DatabaseUnavailable } from '../db/database-unavailable.ts'
import { unprocessable } from '../errors/api-error.ts'
import type { ThreadServices } from '../http/environment.ts'
import { eventually } from '../testing/eventually.ts'
import { testController } from '../testing/test-controller.ts'
import type { JobHandler, JobOutcome } from './handlers.ts'
import { enqueueJob } from './job-queue.ts'
import { runDueJobs, runJobNow } from './run-jobs.ts'

const past = '2020-01-01T00:00:00.000Z'

/** A queue with one kind of job, whose handler the test gives. */
async function given(t: TestContext, handler: JobHandler) {
  const { services, admin, settings } = await testController(t)
  const { db } = services
  const handlers = { 'test.work': handler }
  const enqueue = (payload: unknown = {}) =>
    db.transaction().execute((trx) => enqueueJob(trx, { operation: 'test.work', payload }))
  const row = (guid: string) => db.selectFrom('jobs').selectAll().where('guid', '=', guid).executeTakeFirstOrThrow()
  const set = (guid: string, values: Record<string, unknown>) =>
    db.updateTable('jobs').set(values).where('guid', '=', guid).execute()
  return {
    services,
    enqueue,
    row,
    set,
    run: (of: ThreadServices = services) => runDueJobs(of, handlers),
    runNow: (guid: string) => runJobNow(services, guid, handlers),
    show: async (guid: string) => (await admin.get(`/v3/jobs/${guid}`)).body,
    anotherThread: async (): Promise<ThreadServices> => {
      const own = await openDatabase(settings.databaseUrl)
      t.after(() => own.destroy())
      return { ...services, db: own }
    },
  }
}

test('due jobs run in their order, and end COMPLETE with the warnings of their handler', async (t) => {
  const order: unknown[] = []
  const { enqueue, run, show, services } = await given(t, async (_, { payload }) => {
    order.push(payload)
    return { warnings: [{ detail: 'mind the gap' }] }
  })
  const first = await enqueue({ number: 1 })
  await enqueue({ number: 2 })
  assert.equal(await run(), 2)
  assert.deepEqual(order, [{ number: 1 }, { number: 2 }])
  const { state, errors, warnings } = await show(first)
  assert.deepEqual([state, errors, warnings], ['COMPLETE', [], [{ detail: 'mind the gap' }]])
  assert.equal(await run(), 0)
  const { calls } = services.bus as unknown as { calls: Array<{ name: string; values: unknown[] }> }
  assert.ok(calls.some(({ name, values }) => name === 'changes.notify' && values[0] === first))
})

test('what a handler throws is what the job tells: the error of CC, or no more than that it is unknown', async (t) => {
  const { enqueue, run, show } = await given(t, async (_, { payload }) => {
    if ((payload as { known?: boolean }).known) throw unprocessable('this can not be')
    throw new Error('password=secret')
  })
  const [known, unknown] = [await enqueue({ known: true }), await enqueue()]
  await run()
  assert.deepEqual((await show(known)).errors, [
    { code: 10_008, title: 'CF-UnprocessableEntity', detail: 'this can not be' },
  ])
  assert.deepEqual((await show(unknown)).errors, [
    { code: 10_001, title: 'UnknownError', detail: 'An unknown error occurred.' },
  ])
  assert.deepEqual([(await show(known)).state, (await show(unknown)).state], ['FAILED', 'FAILED'])
})

test('a job without a handler FAILS', async (t) => {
  const { services, enqueue, show } = await given(t, async () => undefined)
  const guid = await enqueue()
  await runDueJobs(services)
  assert.equal((await show(guid)).state, 'FAILED')
})

test('a job that wants to go on later is left until then, with its new payload', async (t) => {
  const payloads: unknown[] = []
  const { enqueue, run, row, set } = await given(t, async (_, { payload }): Promise<JobOutcome> => {
    payloads.push(payload)
    return payloads.length === 1 ? { again: { afterSeconds: 60, state: 'POLLING', payload: { step: 2 } } } : {}
  })
  const guid = await enqueue({ step: 1 })
  const begun = Date.now()
  assert.equal(await run(), 1)
  const waiting = await row(guid)
  assert.deepEqual([waiting.state, waiting.attempts, waiting.lease_owner], ['POLLING', 0, null])
  assert.ok(Date.parse(waiting.run_after) > begun + 50_000)
  await set(guid, { run_after: past })
  assert.equal(await run(), 1)
  assert.deepEqual(payloads, [{ step: 1 }, { step: 2 }])
  assert.equal((await row(guid)).state, 'COMPLETE')
})

test('a job is left to whoever holds its lease, and taken over when that runs out', async (t) => {
  const { enqueue, run, row, set } = await given(t, async () => undefined)
  const guid = await enqueue()
  await set(guid, { lease_owner: 'somebody else', lease_until: '2999-01-01T00:00:00.000Z' })
  assert.equal(await run(), 0)
  await set(guid, { lease_until: past })
  assert.equal(await run(), 1)
  assert.equal((await row(guid)).state, 'COMPLETE')
})

test('who lost its lease does not say how the job ended', async (t) => {
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let started = 0
  const { enqueue, run, row, set, anotherThread } = await given(t, async () => {
    const turn = started
    started += 1
    await gates[turn]?.promise
    if (turn === 0) throw new Error('too late')
    return undefined
  })
  const guid = await enqueue()
  const slow = run()
  await eventually('the first has begun', () => started === 1)
  await set(guid, { lease_until: past })
  const second = run(await anotherThread())
  await eventually('the second has begun', () => started === 2)
  const { lease_owner } = await row(guid)
  gates[0]?.resolve()
  assert.equal(await slow, 1)
  const between = await row(guid)
  assert.deepEqual([between.state, between.lease_owner], ['PROCESSING', lease_owner])
  gates[1]?.resolve()
  await second
  const after = await row(guid)
  assert.deepEqual([after.state, after.errors, after.lease_owner], ['COMPLETE', '[]', null])
})

test('a job that ends its thread again and again is given up', async (t) => {
  let ran = 0
  const { enqueue, run, row, set } = await given(t, async () => {
    ran += 1
    return undefined
  })
  const guid = await enqueue()
  await set(guid, { attempts: 10, lease_owner: 'dead', lease_until: past })
  await run()
  assert.deepEqual([ran, (await row(guid)).state], [0, 'FAILED'])
})

test('several runners at once run each job once', async (t) => {
  const ran = new Map<string, number>()
  const { services, enqueue, run, anotherThread } = await given(t, async (_, { guid }) => {
    ran.set(guid, (ran.get(guid) ?? 0) + 1)
    await new Promise((resolve) => setTimeout(resolve, 1))
    return undefined
  })
  const guids: string[] = []
  for (let count = 0; count < 30; count += 1) guids.push(await enqueue())
  const runners = [services, await anotherThread(), await anotherThread()]
  const counts = await Promise.all(runners.map((each) => run(each)))
  assert.equal(
    counts.reduce((sum, count) => sum + count, 0),
    30,
  )
  assert.deepEqual(
    guids.map((guid) => ran.get(guid)),
    guids.map(() => 1),
  )
})

test('a request runs its own short job at once, unless somebody has it already', async (t) => {
  let ran = 0
  const { enqueue, runNow, row, set } = await given(t, async () => {
    ran += 1
    return undefined
  })
  const [first, second] = [await enqueue(), await enqueue()]
  await runNow(second)
  assert.deepEqual([(await row(first)).state, (await row(second)).state, ran], ['PROCESSING', 'COMPLETE', 1])
  await set(first, { lease_until: '2999-01-01T00:00:00.000Z', lease_owner: 'x' })
  await runNow(first)
  await runNow(second)
  assert.equal(ran, 1)
})

test('a job that meets an unavailable database is tried again, and that does not count', async (t) => {
  let isAway = true
  const { enqueue, run, row, set } = await given(t, async () => {
    if (isAway) throw new DatabaseUnavailable(new Error('Connection terminated'))
    return undefined
  })
  const guid = await enqueue()
  const begun = Date.now()
  await run()
  const { state, attempts, lease_owner, run_after } = await row(guid)
  assert.deepEqual([state, attempts, lease_owner], ['PROCESSING', 0, null])
  assert.ok(Date.parse(run_after) > begun + 2000)
  isAway = false
  await set(guid, { run_after: past })
  await run()
  assert.equal((await row(guid)).state, 'COMPLETE')
})
