import { ScheduleSyncRefused } from '@vcap/reactor/thread'
import type { Bus, BusOperations } from '../bus/bus.ts'
import { isInTransaction } from '../db/transactions.ts'

/** What a thread asked of the reactor, and what the fake reactor answers. */
export interface FakeBus extends Bus {
  readonly calls: Array<{ name: keyof BusOperations; values: readonly unknown[] }>
  answer<K extends keyof BusOperations>(
    name: K,
    operation: (...values: Parameters<BusOperations[K]>) => Awaited<ReturnType<BusOperations[K]>>,
  ): void
}

/**
 * A bus that records. Inside a transaction it refuses more than the real one, which refuses only to wait: what the bus was told
 * before the commit can't be taken back, and is told again when the transaction is repeated.
 */
export function fakeBus(): FakeBus {
  const calls: FakeBus['calls'] = []
  // biome-ignore lint/suspicious/noExplicitAny: one map for operations of every type
  const answers = new Map<keyof BusOperations, (...values: any[]) => unknown>([
    ['dea.find', () => []],
    ['dea.instances', () => ({})],
    ['changes.wait', () => false],
    ['jobs.mayBegin', () => true],
  ])
  const call = (name: keyof BusOperations, values: readonly unknown[]): unknown => {
    if (isInTransaction()) throw new ScheduleSyncRefused(name, 'a database transaction is open')
    calls.push({ name, values: structuredClone(values) })
    return answers.get(name)?.(...values)
  }
  return {
    calls,
    answer: (name, operation) => void answers.set(name, operation),
    scheduleSync: (name, ...values) => call(name, values) as never,
    schedule: (name, ...values) => void call(name, values),
  }
}
