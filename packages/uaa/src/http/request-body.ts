import type { Context } from 'hono'
import type { z } from 'zod'
import { invalidRequest, invalidScimResource } from '../errors.ts'

/** The form fields of a request. Throws UaaError 400 for a field that is given twice (RFC 6749, section 3.2). */
export async function readForm(c: Context): Promise<Record<string, string>> {
  const type = c.req.header('Content-Type') ?? 'application/x-www-form-urlencoded'
  if (!type.toLowerCase().startsWith('application/x-www-form-urlencoded')) {
    throw invalidRequest('The body must be application/x-www-form-urlencoded')
  }
  const fields = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(await c.req.text())) {
    if (fields.has(name)) throw invalidRequest(`duplicated parameter: ${name}`)
    fields.set(name, value)
  }
  return Object.fromEntries(fields)
}

/** The JSON body of a request. Throws UaaError 400 for what is no JSON, and for JSON of another shape. */
export async function readJson<Schema extends z.ZodType>(
  c: Context,
  schema: Schema,
  fault: (description: string) => Error = invalidScimResource,
): Promise<z.output<Schema>> {
  let body: unknown
  try {
    body = JSON.parse(await c.req.text())
  } catch (error) {
    if (error instanceof SyntaxError) throw fault('The request body is not valid JSON.')
    throw error
  }
  const read = schema.safeParse(body)
  if (read.success) return read.data
  const [issue] = read.error.issues
  throw fault(`Invalid ${issue?.path.join('.') || 'body'}: ${issue?.message ?? 'unknown'}`)
}
