import { runInNewContext } from 'node:vm'
import { z } from 'zod'
import type { StoredEnvelope } from './stored-envelope.ts'

/** What a reader is told about a filter that can't be used. */
export class NameFilterError extends Error {
  override readonly name = 'NameFilterError'
}

const timeoutInMilliseconds = 100
const Metrics = z.object({ metrics: z.record(z.string(), z.unknown()) })
const Named = z.object({ name: z.string() })
const Envelope = z.looseObject({ gauge: Metrics.optional(), counter: Named.optional(), timer: Named.optional() })

/**
 * The metrics whose names match: counters and timers as they are, of gauges the matching values. Logs and events have no name.
 * Source: log-cache-release src/internal/cache/store/store.go filterByName.
 * Throws NameFilterError for an invalid expression, or one that takes too long: unlike Go's, JavaScript's may take exponential time.
 */
export function filterByName(envelopes: readonly StoredEnvelope[], pattern: string): StoredEnvelope[] {
  const parsed = envelopes
    .filter(({ type }) => type === 'GAUGE' || type === 'COUNTER' || type === 'TIMER')
    .map((stored) => ({ stored, envelope: Envelope.parse(JSON.parse(stored.json)) }))
  const matching = matchingNames(new Set(parsed.flatMap(({ envelope }) => namesOf(envelope))), pattern)
  return parsed.flatMap(({ stored, envelope }) => {
    if (!envelope.gauge) return namesOf(envelope).some((name) => matching.has(name)) ? [stored] : []
    const metrics = Object.entries(envelope.gauge.metrics).filter(([name]) => matching.has(name))
    if (metrics.length === 0) return []
    return [{ ...stored, json: JSON.stringify({ ...envelope, gauge: { metrics: Object.fromEntries(metrics) } }) }]
  })
}

function namesOf({ gauge, counter, timer }: z.infer<typeof Envelope>): string[] {
  return gauge ? Object.keys(gauge.metrics) : [counter?.name ?? timer?.name ?? '']
}

function matchingNames(names: ReadonlySet<string>, pattern: string): ReadonlySet<string> {
  // Go writes flags into the expression: (?i)cpu.
  const [, flags = '', source = pattern] = /^\(\?([ims]+)\)(.*)$/s.exec(pattern) ?? []
  let expression: RegExp
  try {
    expression = new RegExp(source, flags)
  } catch (error) {
    throw new NameFilterError(`Name filter must be a valid regular expression: ${messageOf(error)}`, { cause: error })
  }
  try {
    const context = { names: [...names], expression, matching: [] as string[] }
    runInNewContext('for (const name of names) if (expression.test(name)) matching.push(name)', context, {
      timeout: timeoutInMilliseconds,
    })
    return new Set(context.matching)
  } catch (error) {
    throw new NameFilterError('Name filter takes too long to match', { cause: error })
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
