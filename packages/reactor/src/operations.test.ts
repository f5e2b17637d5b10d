import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { OperationCalls } from './operations.ts'

interface Operations {
  publish(subject: string, payload: { readonly n: number }): undefined
  find(guid: string): Promise<{ readonly state: string } | undefined>
}

/** Never called: each line that must not compile is marked, and tsc fails when one does. */
function typeTest({ scheduleSync, scheduleSyncWithin, schedule }: OperationCalls<Operations>): void {
  const found: { readonly state: string } | undefined = scheduleSync('find', 'guid')
  const nothing: undefined = scheduleSync('publish', 'subject', { n: 1 })
  scheduleSyncWithin(5, 'find', 'guid')
  schedule('publish', 'subject', { n: 1 })
  // @ts-expect-error no such operation
  scheduleSync('publsh', 'subject', { n: 1 })
  // @ts-expect-error the first argument is a text
  scheduleSync('publish', 1, { n: 1 })
  // @ts-expect-error the payload's field has another type
  scheduleSync('publish', 'subject', { n: '1' })
  // @ts-expect-error an argument is missing
  scheduleSync('publish', 'subject')
  // @ts-expect-error an argument too many
  scheduleSync('find', 'guid', 'more')
  // @ts-expect-error the result is awaited already, and may be undefined
  const state: string = scheduleSync('find', 'guid').state
  // @ts-expect-error a wrong argument does not compile without waiting either
  schedule('find', 5)
  // @ts-expect-error nor with a timeout
  scheduleSyncWithin(5, 'find', 5)
  void [found, nothing, state]
}

it('a wrong name, argument or result of an operation does not compile', () => {
  assert.equal(typeof typeTest, 'function')
})
