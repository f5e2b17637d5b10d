import type { z } from 'zod'
import { apiError, unprocessable } from '../../errors/api-error.ts'
import type { RequestContext } from '../../http/environment.ts'
import { humanized, quoted } from './words.ts'

/**
 * Reads and validates a JSON body. 400/1001 when it can't be parsed; 422/10008 with all messages joined when it is not
 * what the schema says. An empty body, or one that is no object, counts as `{}`.
 */
export async function body<S extends z.ZodType>(c: RequestContext, schema: S): Promise<z.output<S>> {
  return validated(await jsonObject(c), schema)
}

/** The body as a JSON object, unvalidated. Throws 400/1001 when it is no UTF-8, no JSON or nested too deeply. */
export async function jsonObject(c: RequestContext): Promise<Record<string, unknown>> {
  const bytes = await c.req.arrayBuffer()
  if (bytes.byteLength === 0) return {}
  const parsed = parseJson(bytes)
  return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
    ? (parsed as Record<string, unknown>)
    : {}
}

const maximumNesting = 100

function parseJson(bytes: ArrayBuffer): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    const parsed: unknown = text.trim() === '' ? {} : JSON.parse(text)
    if (nesting(parsed) <= maximumNesting) return parsed
  } catch (cause) {
    throw Object.assign(apiError('MessageParseError', 'invalid request body'), { cause })
  }
  throw apiError('MessageParseError', 'invalid request body')
}

/** How deep lists and objects are nested; level by level, because a stack would not reach the ground of everything that can be sent. */
function nesting(value: unknown): number {
  const isNode = (one: unknown): one is object => typeof one === 'object' && one !== null
  let depth = 0
  for (let level = [value].filter(isNode); level.length > 0; depth += 1)
    level = level.flatMap((node) => Object.values(node)).filter(isNode)
  return depth
}

/** What the schema makes of `input`. Throws 422/10008 with CC's words. */
export function validated<S extends z.ZodType>(input: unknown, schema: S): z.output<S> {
  const result = schema.safeParse(input)
  if (!result.success) throw unprocessable(messages(result.error).join(', '))
  const path = pathOfNullByte(input)
  if (path) throw unprocessable(`${path.map(humanized).join(' ')} must not contain null bytes`)
  return result.data
}

/** The keys that lead to a text with a null byte, which PostgreSQL does not store, or undefined. */
function pathOfNullByte(value: unknown): string[] | undefined {
  if (typeof value === 'string') return value.includes('\0') ? [] : undefined
  if (typeof value !== 'object' || value === null) return undefined
  for (const [key, inner] of Object.entries(value)) {
    if (key.includes('\0')) return [key.replaceAll('\0', '')]
    const path = pathOfNullByte(inner)
    if (path) return [key, ...path]
  }
  return undefined
}

/** All messages of a validation, unknown fields of the body first, as CC orders them. */
export function messages(error: z.ZodError): string[] {
  const texts = error.issues.map((issue) => ({
    unknown: issue.code === 'unrecognized_keys' && issue.path.length === 0,
    text: message(issue),
  }))
  texts.sort((a, b) => Number(b.unknown) - Number(a.unknown))
  return [...new Set(texts.map(({ text }) => text))]
}

function message(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'unrecognized_keys') return issue.message
  // A schema with words of its own for every fault (a relationship's shape) keeps them.
  if (!issue.message.startsWith('Unrecognized key')) return issue.message
  const parents = issue.path.map((part) => humanized(String(part))).join(' ')
  return `${parents === '' ? '' : `${parents} `}Unknown field(s): ${quoted(issue.keys)}`
}
