import type { Context } from 'hono'
import type { z } from 'zod'
import { apiError, unprocessable } from '../../errors/api-error.ts'
import type { WorkerEnv } from '../../http/environment.ts'
import { humanized, quoted } from './words.ts'

/**
 * Reads and validates a JSON body. 400/1001 when it can't be parsed; 422/10008 with all messages joined when it is not
 * what the schema says. An empty body, or one that is no object, counts as `{}`.
 */
export async function body<S extends z.ZodType>(c: Context<WorkerEnv>, schema: S): Promise<z.output<S>> {
  return validated(await jsonObject(c), schema)
}

/** The body as a JSON object, unvalidated. Throws 400/1001 when it can't be parsed. */
export async function jsonObject(c: Context<WorkerEnv>): Promise<Record<string, unknown>> {
  const bytes = await c.req.raw.text()
  if (bytes.trim() === '') return {}
  let parsed: unknown
  try {
    parsed = JSON.parse(bytes)
  } catch (cause) {
    throw Object.assign(apiError('MessageParseError', 'invalid request body'), { cause })
  }
  return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
    ? (parsed as Record<string, unknown>)
    : {}
}

/** What the schema makes of `input`. Throws 422/10008 with CC's words. */
export function validated<S extends z.ZodType>(input: unknown, schema: S): z.output<S> {
  const result = schema.safeParse(input)
  if (result.success) return result.data
  throw unprocessable(messages(result.error).join(', '))
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
