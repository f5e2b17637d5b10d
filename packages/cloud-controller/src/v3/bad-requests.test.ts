import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { allRows, changedRows, tableNames } from '../testing/all-rows.ts'
import { givenBadRequestWorld, senders } from '../testing/bad-request-world.ts'
import { badRequests, isRefusal } from '../testing/bad-requests.ts'
import { rehearse } from '../testing/rehearsal.ts'
import { testController } from '../testing/test-controller.ts'

/**
 * The suite sends the same requests each time, so that it fails by what was changed and not by luck. A thorough run sends 100,000, and
 * others with another seed.
 */
const count = Number(process.env.VCAP_BAD_REQUESTS ?? 1_500)
const seed = Number(process.env.VCAP_BAD_REQUESTS_SEED ?? 1)

test(`${count} bad requests, seed ${seed}: none is our fault, and what is refused changes nothing`, async (t) => {
  const controller = await testController(t)
  const { db } = controller
  const { operations, guids, send } = await givenBadRequestWorld(t, controller)
  const tables = await tableNames(db)
  const before = await allRows(db, tables)
  const statuses: Record<number, number> = {}
  const served = fc.asyncProperty(badRequests(operations, guids, senders), (request) =>
    rehearse(db, async (rehearsal) => {
      const answer = await send(request)
      statuses[answer.status] = (statuses[answer.status] ?? 0) + 1
      if (isRefusal(answer) && rehearsal.hasWritten)
        assert.deepEqual(changedRows(before, await allRows(db, tables)), {})
    }),
  )
  await fc.assert(served, { numRuns: count, seed })
  assert.deepEqual(changedRows(before, await allRows(db, tables)), {})
  t.diagnostic(`statuses: ${JSON.stringify(statuses)}`)
})
