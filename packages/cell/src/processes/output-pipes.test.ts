import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs'
import { devNull, tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openOutputPipes } from './output-pipes.ts'

/** The system gives the lowest number that is free. */
function nextDescriptor(): number {
  const descriptor = openSync(devNull, 'r')
  closeSync(descriptor)
  return descriptor
}

test('pipes that can not be given to their user are closed and removed', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'vcap-pipes-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const nobodyAtAll = { uid: 2 ** 40, gid: 2 ** 40 }
  const before = nextDescriptor()
  for (let i = 0; i < 20; i++) await assert.rejects(openOutputPipes(directory, nobodyAtAll))
  assert.ok(nextDescriptor() < before + 20)
  assert.deepEqual(readdirSync(directory), [])
})
