import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deviations, notRouted } from './deviations.ts'
import { readReferenceDocument, referencePath } from './reference-document.ts'
import { walkDocument } from './walk.ts'

const document = readReferenceDocument()
const skip = document ? false : `there is no reference document at ${referencePath}`
const keyOf = ({ at, what }: { at: string; what: string }): string => `${at}: ${what}`

test('every answer is what the reference document says, but for the listed deviations', { skip }, async (t) => {
  if (!document) return
  const { served, unknown, faults } = await walkDocument(t, document)
  const notBuilt = unknown.filter((operation) => !notRouted.at.includes(operation))
  t.diagnostic(`${served.length} operations compared, ${notBuilt.length} are not built:`)
  for (const operation of notBuilt) t.diagnostic(operation)
  assert.deepEqual(
    notRouted.at.filter((operation) => !unknown.includes(operation)),
    [],
    'there should be no such operation',
  )
  const expected = new Set(deviations.flatMap(({ what, at }) => at.map((place) => keyOf({ at: place, what }))))
  const found = new Set(faults.map(keyOf))
  assert.deepEqual(
    faults.filter((fault) => !expected.has(keyOf(fault))).map((fault) => `${keyOf(fault)} (${fault.request})`),
    [],
  )
  const needless = [...expected].filter((key) => !found.has(key))
  assert.deepEqual(needless, [], 'deviations that no answer shows any more')
})
