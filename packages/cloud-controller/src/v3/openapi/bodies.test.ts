import assert from 'node:assert/strict'
import { test } from 'node:test'
import { operationCases } from '../../testing/operation-cases.ts'
import { askFor } from '../../testing/operation-requests.ts'
import { rehearse } from '../../testing/rehearsal.ts'
import { bodyCheck, operationsOf, servedDocument } from '../../testing/served-document.ts'
import { testController } from '../../testing/test-controller.ts'
import { givenWorld } from '../../testing/world.ts'

test('bodies that are taken are what the document wants, and what it refuses the server refuses', async (t) => {
  const controller = await testController(t)
  const world = await givenWorld(t, controller)
  const document = await servedDocument(controller)
  const fault = bodyCheck(document)
  const wrong: string[] = []
  let bodies = 0
  for (const operation of operationsOf(document)) {
    const tried = operationCases[operation.name]
    if (!tried?.body || !operation.requestBody?.content['application/json']) continue
    const body = tried.body(world) as Record<string, unknown>
    const send = async (changed: unknown): Promise<number> => {
      const ask = () => askFor(controller.admin, operation.name, { ...tried, body: () => changed }, world)
      return (await rehearse(controller.db, ask)).status
    }
    bodies += 1
    const found = fault(operation, body)
    if (found) wrong.push(`${operation.name}: ${found}`)
    // Of several bodies another one may be open.
    const { anyOf, properties } = operation.requestBody.content['application/json'].schema
    const isUnknownRefused = (await send({ ...body, unknown: 1 })) === 422
    const isUnknownFault = fault(operation, { ...body, unknown: 1 }) !== undefined
    if (isUnknownRefused !== isUnknownFault && !(anyOf && isUnknownRefused))
      wrong.push(`${operation.name}: an unknown field is ${isUnknownRefused ? '' : 'not '}refused`)
    const keys = new Set([...Object.keys(body), ...Object.keys(properties ?? {})])
    for (const key of keys) {
      for (const other of [undefined, null, true, 1, -1, 1.5, 'text', 'x'.repeat(70_000), [], {}, { [key]: 1 }]) {
        const changed = { ...body, [key]: other }
        if (fault(operation, changed) && (await send(changed)) < 400)
          wrong.push(`${operation.name}: ${key} of ${JSON.stringify(other)} is taken`)
      }
    }
  }
  assert.deepEqual(wrong, [])
  assert.ok(bodies > 50, `${bodies} bodies`)
})
