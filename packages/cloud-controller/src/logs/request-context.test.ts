import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { pino } from 'pino'
import { enqueueJob } from '../jobs/job-queue.ts'
import { runDueJobs } from '../jobs/run-jobs.ts'
import { givenApp, givenSpace } from '../testing/factories.ts'
import { testController } from '../testing/test-controller.ts'
import { asRequest, requestFields } from './request-context.ts'

interface Line {
  readonly msg: string
  readonly requestId?: string
  readonly job?: string
  readonly operation?: string
}

/** A logger as the component's own, and what it wrote. */
function recordedLog() {
  const lines: Line[] = []
  const stream = new Writable({
    write: (chunk, _, done) => {
      lines.push(JSON.parse(String(chunk)))
      done()
    },
  })
  return { lines, logger: pino({ mixin: requestFields }, stream) }
}

test('a job keeps the id of the request that caused it, and logs with it and its own', async (t) => {
  const controller = await testController(t)
  const { admin, db, services } = controller
  const { spaceGuid } = await givenSpace(controller)
  const { guid } = await givenApp(controller, spaceGuid)
  const { headers } = await admin.delete(`/v3/apps/${guid}`)
  const requestId = headers.get('x-vcap-request-id')
  assert.match(String(requestId), /^[0-9a-f-]{36}$/)
  const job = await db.selectFrom('jobs').select(['guid', 'request_id']).executeTakeFirstOrThrow()
  assert.equal(job.request_id, requestId)

  const { lines, logger } = recordedLog()
  const handlers = {
    'app.delete': async (own: typeof services) => {
      own.logger.info('at work')
      // A job of a job belongs to the same request.
      await own.db.transaction().execute((trx) => enqueueJob(trx, { operation: 'follow.up' }))
      throw new Error('broken')
    },
  }
  await runDueJobs({ ...services, logger }, handlers)
  const known = lines.map(({ msg, requestId: id, job: guidOfJob, operation }) => ({ msg, id, guidOfJob, operation }))
  const own = { id: requestId, guidOfJob: job.guid, operation: 'app.delete' }
  assert.deepEqual(known.slice(0, 2), [
    { msg: 'at work', ...own },
    { msg: 'job failed', ...own },
  ])
  const followUp = await db
    .selectFrom('jobs')
    .select('request_id')
    .where('operation', '=', 'follow.up')
    .executeTakeFirst()
  assert.equal(followUp?.request_id, requestId)
})

test('lines of nobody’s request have no id, and those of requests that run at once their own', async () => {
  const { lines, logger } = recordedLog()
  logger.info('none')
  await Promise.all(
    ['first', 'second'].map((id) =>
      asRequest(id, async () => {
        await new Promise((resolve) => setImmediate(resolve))
        logger.info(`of ${id}`)
      }),
    ),
  )
  assert.deepEqual(
    lines.map(({ msg, requestId }) => [msg, requestId]),
    [
      ['none', undefined],
      ['of first', 'first'],
      ['of second', 'second'],
    ],
  )
})
