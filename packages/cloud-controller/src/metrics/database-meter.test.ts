import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { DatabaseMeter } from './database-meter.ts'

test('what threads count is one sum, also when they end by force', async () => {
  const meter = new DatabaseMeter()
  const module = JSON.stringify(new URL('./database-meter.ts', import.meta.url).href)
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads')
     import(${module}).then(({ DatabaseMeter }) => {
       const meter = new DatabaseMeter(workerData)
       meter.statement(1.5)
       meter.repeatedTransaction()
       parentPort.postMessage('counted')
       for (;;);
     })`,
    { eval: true, workerData: meter.memory },
  )
  await once(worker, 'message')
  await worker.terminate()
  meter.statement(0.25)
  meter.statement(100)
  assert.deepEqual(meter.read(), { statements: 3, microseconds: 101_750, slowStatements: 1, repeatedTransactions: 1 })
})
