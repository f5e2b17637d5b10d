import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseLogLine } from './log-line.ts'

test('a line of pino becomes its message, its error and what it is about', () => {
  const line = JSON.stringify({
    level: 40,
    time: 1,
    pid: 2,
    hostname: 'h',
    name: 'cell',
    app: 'a-guid',
    instances: [1, 2],
    err: { type: 'Error', message: 'no space', stack: 'Error: no space\n at x' },
    msg: 'staging failed',
  })
  assert.deepEqual(parseLogLine(line), { level: 40, text: 'staging failed (no space) app=a-guid instances=[1,2]' })
})

test('anything else, such as the report of a crash, is shown as it is and counts as an error', () => {
  for (const line of ['FATAL ERROR: heap out of memory', '{ code: 1 }', '{"level":"high"}', ''])
    assert.deepEqual(parseLogLine(line), { level: 50, text: line })
})
