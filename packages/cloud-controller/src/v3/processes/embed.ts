import type { Bus } from '../../bus/bus.ts'
import { processInstances } from '../../dea/instance-reports.ts'
import { chosenOf, throwFaults } from '../kit/list-query.ts'
import { listParameter } from '../kit/query-parameters.ts'
import { parseQueryString } from '../kit/query-string.ts'
import type { ProcessRow } from './resource.ts'

const embeddable = ['process_instances']

export const embedParameter = listParameter('embed', embeddable)

/** Whether the query asks for `embed=process_instances`. Throws 400/10005 for any other value. */
export function wantsInstances(url: string): boolean {
  const text = parseQueryString(url).values.get('embed')
  if (text === undefined) return false
  const faults: string[] = []
  chosenOf('embedded', embeddable, text, faults)
  throwFaults(faults)
  return true
}

/** Puts `process_instances` into each presented process, before its relationships, as CC does. One call of the reactor for all. */
export function withInstances(
  bus: Bus,
  presented: ReadonlyArray<Record<string, unknown>>,
  rows: readonly ProcessRow[],
): ReadonlyArray<Record<string, unknown>> {
  const instances = processInstances(bus, rows)
  return presented.map((process) =>
    Object.fromEntries(
      Object.entries(process).flatMap(([key, value]) =>
        key === 'relationships'
          ? [
              ['process_instances', instances.get(String(process.guid)) ?? []],
              [key, value],
            ]
          : [[key, value]],
      ),
    ),
  )
}
