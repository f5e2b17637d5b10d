import type { z } from 'zod'
import { apiError, bodyTooLarge, unprocessable } from '../../errors/api-error.ts'
import type { RequestContext } from '../../http/environment.ts'
import { humanized, quoted } from './words.ts'

/**
 * Reads and validates a JSON body. 400/1001 when it can't be parsed; 422/10008 with all messages joined when it is not
 * what the schema says. An empty body, or one that is no object, counts as `{}`.
 */
export async function body<S extends z.ZodType>(c: RequestContext, schema: S): Promise<z.output<S>> {
  return validated(await jsonObject(c), schema)
}

/** The longest that is known to be asked for is a match of 5,000 files: a quarter of this. What parses to too much ends the process. */
const maximumSizeInBytes = 4 * 1024 * 1024
const maximumNesting = 100
/** A statement may have 32,766 variables on SQLite, and some need several for an element. */
const maximumElements = 5000

/**
 * The body as a JSON object, unvalidated. Throws 400/1001 when it is no UTF-8, no JSON or nested too deeply, and 413 when it is
 * larger than 4 MiB.
 */
export async function jsonObject(c: RequestContext): Promise<Record<string, unknown>> {
  const incoming = c.env?.request?.body
  // What the reactor put into a file may not even fit into memory.
  if (incoming && 'file' in incoming && incoming.sizeInBytes > maximumSizeInBytes) throw bodyTooLarge()
  const bytes = await c.req.arrayBuffer()
  if (bytes.byteLength > maximumSizeInBytes) throw bodyTooLarge()
  if (bytes.byteLength === 0) return {}
  const parsed = parseJson(bytes)
  return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
    ? (parsed as Record<string, unknown>)
    : {}
}

function parseJson(bytes: ArrayBuffer): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    if (nesting(text) <= maximumNesting) return text.trim() === '' ? {} : JSON.parse(text)
  } catch (cause) {
    throw Object.assign(apiError('MessageParseError', 'invalid request body'), { cause })
  }
  throw apiError('MessageParseError', 'invalid request body')
}

/** How deep lists and objects are nested in this JSON. Of the text, because a stack does not reach the ground of all that it can hold. */
function nesting(json: string): number {
  let deepest = 0
  let depth = 0
  let isInText = false
  for (let at = 0; at < json.length; at += 1) {
    const character = json[at]
    if (character === '"') isInText = !isInText
    else if (isInText) at += character === '\\' ? 1 : 0
    else if (character === '[' || character === '{') depth += 1
    else if (character === ']' || character === '}') depth -= 1
    if (depth > deepest) deepest = depth
  }
  return deepest
}

/** What the schema makes of `input`. Throws 422/10008 with CC's words. */
export function validated<S extends z.ZodType>(input: unknown, schema: S): z.output<S> {
  const result = schema.safeParse(input)
  if (!result.success) throw unprocessable(messages(result.error).join(', '))
  const found = unstorable(input)
  if (found) throw unprocessable(`${found.path.map(humanized).join(' ')} ${found.fault}`)
  return result.data
}

/** Whatever no database stores: where it is, and what is wrong with it. */
interface Unstorable {
  readonly path: readonly string[]
  readonly fault: string
}

/** Looks for a null byte, which PostgreSQL refuses in a text, and for a list that is too long for a statement. */
function unstorable(value: unknown): Unstorable | undefined {
  if (typeof value === 'string')
    return value.includes('\0') ? { path: [], fault: 'must not contain null bytes' } : undefined
  if (typeof value !== 'object' || value === null) return undefined
  if (Array.isArray(value) && value.length > maximumElements)
    return { path: [], fault: `must have at most ${maximumElements} elements` }
  for (const [key, inner] of Object.entries(value)) {
    if (key.includes('\0')) return { path: [key.replaceAll('\0', '')], fault: 'must not contain null bytes' }
    const found = unstorable(inner)
    if (found) return { ...found, path: [key, ...found.path] }
  }
  return undefined
}

/** All messages of a validation: of the metadata first, then unknown fields of the body, then the others, as CC orders them. */
export function messages(error: z.ZodError): string[] {
  const rank = ({ code, path }: z.core.$ZodIssue): number => {
    if (path[0] === 'metadata') return 0
    return code === 'unrecognized_keys' && path.length === 0 ? 1 : 2
  }
  const issues = error.issues.toSorted((a, b) => rank(a) - rank(b))
  return [...new Set(issues.map(message))]
}

function message(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'unrecognized_keys') return issue.message
  // A schema with words of its own for every fault (a relationship's shape) keeps them.
  if (!issue.message.startsWith('Unrecognized key')) return issue.message
  const parents = issue.path.map((part) => humanized(String(part))).join(' ')
  return `${parents === '' ? '' : `${parents} `}Unknown field(s): ${quoted(issue.keys)}`
}
