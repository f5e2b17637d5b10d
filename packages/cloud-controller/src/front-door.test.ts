import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { startNatsBroker } from '@vcap/nats-broker'
import fc from 'fast-check'
import { pino } from 'pino'
import { allRows, changedRows, tableNames } from './testing/all-rows.ts'
import { givenBadRequestWorld, type Sender, senders } from './testing/bad-request-world.ts'
import { type BadRequest, badRequests, isRefusal } from './testing/bad-requests.ts'
import { some } from './testing/bad-values.ts'
import { converse, statusesIn } from './testing/conversation.ts'
import { eventually } from './testing/eventually.ts'
import { type FrontDoor, openFrontDoor } from './testing/front-door.ts'
import { rehearse } from './testing/rehearsal.ts'
import { testController } from './testing/test-controller.ts'
import { wireFaults } from './testing/wire-faults.ts'

/**
 * The suite sends the same requests each time, so that it fails by what was changed and not by luck. A thorough run sends 100,000, and
 * others with another seed.
 */
const count = Number(process.env.VCAP_BAD_REQUESTS ?? 500)
const seed = Number(process.env.VCAP_BAD_REQUESTS_SEED ?? 1)
const atOnce = 16
/** One connection in so many speaks no proper HTTP. */
const wireShare = 5

test(`${count} bad requests through the front door, seed ${seed}, leave the controller as it was`, async (t) => {
  const ending = endingsInReverse(t)
  const controller = await testController(ending)
  const { db, uaaUsers } = controller
  const world = await givenBadRequestWorld(ending, controller)
  await controller.runJobs()
  uaaUsers.length = 0 // as in the front door's UAA
  const broker = await startNatsBroker({ port: 0 }, { logger: pino({ level: 'silent' }) })
  ending.after(() => broker.stop())
  const door = await openFrontDoor(ending, controller, broker.addresses.nats ?? '')
  const tokens = new Map<string, string>()
  for (const who of senders) tokens.set(who, await door.tokenOf(world.clients[who]))
  const tables = (await tableNames(db)).filter((name) => name !== 'leases')
  const before = await allRows(db, tables)
  const statuses: Record<string, number> = {}
  const counted = (status: number | string): void => {
    statuses[status] = (statuses[status] ?? 0) + 1
  }

  /** Only what is refused, or writes nothing, may really happen. That is found out in process, where everything can be undone. */
  const rehearsed = async (request: BadRequest): Promise<number | undefined> => {
    return rehearse(db, async (rehearsal) => {
      const answer = await world.send(request)
      return isRefusal(answer) || !rehearsal.hasWritten ? answer.status : undefined
    })
  }
  const sent = async (request: BadRequest, expected: number): Promise<void> => {
    const { operation, path, body } = request
    const [method = ''] = operation.split(' ')
    const headers = { authorization: tokens.get(request.who) ?? '', ...request.headers }
    const answer = await door.send({ method, path, headers, body })
    counted(answer.status)
    isRefusal(answer)
    // The listener takes so much and no more.
    if (answer.status === 431 && path.length > 60_000) return
    assert.equal(answer.status, expected, `${operation}: ${JSON.stringify(answer.body)}`)
  }
  const requests = some(badRequests(world.operations, world.guids, senders), atOnce)
  let total = 0
  const served = fc.asyncProperty(requests, async (batch) => {
    const safe: Array<readonly [BadRequest, number]> = []
    for (const request of batch) {
      const status = await rehearsed(request)
      if (status !== undefined) safe.push([request, status])
      else counted('not sent')
    }
    await Promise.all(safe.map(([request, status]) => sent(request, status)))
    total += safe.length
  })
  const token = tokens.get('admin' satisfies Sender) ?? ''
  const endured = fc.asyncProperty(some(wireFaults(token), 2 * atOnce), async (batch) => {
    const answers = await Promise.all(batch.map((fault) => converse(door.url, fault)))
    for (const [index, answer] of answers.entries()) {
      const isHead = Buffer.concat(batch[index]?.pieces ?? []).includes('HEAD')
      const found = statusesIn(answer)
      for (const status of found) {
        counted(`wire ${status}`)
        assert.ok(status < 500, answer.slice(0, 1000))
      }
      if (found.length === 0) counted('wire: none')
      const refusals = found.filter((status) => status >= 400).length
      const explained = answer.split('{"errors":[').length - 1
      if (!isHead) assert.ok(explained >= refusals, answer.slice(0, 1000))
    }
    total += batch.length
  })
  const wireCount = Math.floor(count / wireShare)
  for (let round = 0; total < count - wireCount; round += 1)
    await fc.assert(served, { numRuns: Math.ceil((count - wireCount - total) / atOnce), seed: seed + round })
  for (let round = 0; total < count; round += 1)
    await fc.assert(endured, { numRuns: Math.ceil((count - total) / atOnce), seed: seed + round })

  t.diagnostic(`statuses of ${total}: ${JSON.stringify(statuses)}`)
  await assertUnharmed(door)
  assert.deepEqual(changedRows(before, await allRows(db, tables)), {})
  const { status } = await door.send({
    method: 'GET',
    path: '/v3/organizations',
    headers: { authorization: token },
    body: undefined,
  })
  assert.equal(status, 200)
})

/** No thread is busy, none had to be ended, none but a few were made, and nothing was answered that is our fault. */
async function assertUnharmed(door: FrontDoor): Promise<void> {
  const idle = await eventually('all threads are idle', async () => {
    const metrics = await door.metrics()
    const threads = [...metrics].filter(([name]) => name.startsWith('reactor_threads{'))
    const isQuiet = threads.every(([name, value]) => name.includes('state="idle"') || value === 0)
    return isQuiet && metrics.get('reactor_queue_length{pool="request"}') === 0 ? metrics : undefined
  })
  assert.ok((idle.get('reactor_threads{pool="request",state="idle"}') ?? 0) <= 20)
  const faults = [...idle].filter(
    ([name, value]) =>
      value > 0 &&
      ((name.startsWith('reactor_threads_ended_total') && !name.includes('reason="retired"')) ||
        (name.startsWith('reactor_request_duration_seconds_count') && /status="5(?!03)\d\d"/.test(name))),
  )
  assert.deepEqual(faults, [])
}

/** What was opened last is closed first. */
function endingsInReverse(t: TestContext): TestContext {
  const endings: Array<() => unknown> = []
  t.after(async () => {
    for (const ending of endings.reverse()) await ending()
  })
  return { after: (ending: () => unknown) => void endings.push(ending) } as unknown as TestContext
}
