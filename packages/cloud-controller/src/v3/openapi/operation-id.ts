import { z } from 'zod'
import type { AnswerFacts } from '../kit/operation-facts.ts'

const verbs: Readonly<Record<string, string>> = {
  GET: 'get',
  POST: 'create',
  PUT: 'replace',
  PATCH: 'update',
  DELETE: 'delete',
}

/**
 * A name for the operation that stays as long as its path does: `createApp`, `listAppPackages`, `scaleProcess`. What a path
 * parameter picks, and what is created, is singular; an action is its own verb.
 */
export function operationId(method: string, path: string, answer: AnswerFacts | undefined): string {
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== 'relationships')
  const named = segments.length > 1 && segments[0] === 'v3' ? segments.slice(1) : segments
  const action = named.at(-2) === 'actions' || /^(up|down)load$/.test(named.at(-1) ?? '') ? named.pop() : undefined
  const createsOne = method === 'POST' && answer?.kind === 'resource'
  const nouns = named.flatMap((segment, index) => {
    if (segment.startsWith(':') || segment === 'actions') return []
    const next = named[index + 1]
    const isPicked = next === undefined ? createsOne && action === undefined : next.startsWith(':')
    return [isPicked ? singular(segment) : segment]
  })
  const verb = action ?? (isPaged(answer) ? 'list' : verbOf(method, segments.length < path.split('/').length - 1))
  return camelCase([verb, ...(nouns.length === 0 ? ['root'] : nouns)])
}

/** What is related is not made or ended, but only put together. */
function verbOf(method: string, isRelationship: boolean): string {
  if (isRelationship && method === 'POST') return 'add'
  if (isRelationship && method === 'DELETE') return 'remove'
  return verbs[method] ?? method.toLowerCase()
}

const isPaged = (answer: AnswerFacts | undefined): boolean =>
  answer?.kind === 'list' ||
  (answer?.kind === 'document' && answer.schema instanceof z.ZodObject && 'pagination' in answer.schema.shape)

const singular = (noun: string): string => noun.replace(/sses$/, 'ss').replace(/([^s])s$/, '$1')

function camelCase(words: readonly string[]): string {
  const parts = words.flatMap((word) => word.split(/[^a-zA-Z0-9]+/))
  return parts.map((part, index) => (index === 0 ? part : part.charAt(0).toUpperCase() + part.slice(1))).join('')
}
