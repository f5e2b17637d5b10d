import { existsSync, readFileSync } from 'node:fs'
import { z } from 'zod'

/** A JSON Schema: OpenAPI 3.1 takes them as they are. */
export type JsonSchema = Readonly<Record<string, unknown>>

const Content = z.record(z.string(), z.object({ schema: z.record(z.string(), z.unknown()).optional() }))
const Reference = z.object({ $ref: z.string() })
const DocumentedAnswer = z.object({ content: Content.optional() })
const Parameter = z.object({ name: z.string(), in: z.string(), schema: z.record(z.string(), z.unknown()).optional() })
const Operation = z.object({
  parameters: z.array(z.union([Reference, Parameter])).default([]),
  responses: z.record(z.string(), z.union([Reference, DocumentedAnswer])),
})
const Document = z.object({
  openapi: z.string().startsWith('3.1.'),
  paths: z.record(z.string(), z.record(z.string(), Operation)),
})

export interface ReferenceOperation {
  /** `GET /v3/apps/{guid}` */
  readonly name: string
  readonly method: string
  /** With parameters as Hono writes them: `/v3/apps/:guid`. */
  readonly path: string
  /** By status, `4XX` for all of a kind. An answer without a schema has only its status documented. */
  readonly answers: ReadonlyMap<string, Readonly<Record<string, JsonSchema | undefined>>>
  /** What the parameter `include` may ask for. */
  readonly includes: readonly string[]
}

export interface ReferenceDocument {
  readonly operations: readonly ReferenceOperation[]
  /** The document itself, which the schemas refer to. */
  readonly json: JsonSchema
  /** What a `$ref` means. Throws for one that leads nowhere. */
  resolve(ref: string): unknown
}

/** Where the reference document of the v3 API is looked for; it is no part of this repository. */
export const referencePath = process.env.VCAP_REFERENCE_OPENAPI ?? '../shared/api/v3/openapi.json'

/** The reference document, or undefined where there is none. Throws for one that is no OpenAPI 3.1. */
export function readReferenceDocument(path = referencePath): ReferenceDocument | undefined {
  return existsSync(path) ? documentOf(JSON.parse(readFileSync(path, 'utf8'))) : undefined
}

/** The document in `json`. Throws for one that is no OpenAPI 3.1. */
export function documentOf(json: JsonSchema): ReferenceDocument {
  const resolve = (ref: string): unknown => {
    let found: unknown = json
    for (const step of ref.replace(/^#\//, '').split('/')) found = (found as JsonSchema | undefined)?.[step]
    if (found === undefined) throw new Error(`${ref} leads nowhere`)
    return found
  }
  const operations = Object.entries(Document.parse(json).paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, { parameters, responses }]): ReferenceOperation => {
      const answers = Object.entries(responses).map(([status, answer]) => {
        const { content = {} } = DocumentedAnswer.parse('$ref' in answer ? resolve(answer.$ref) : answer)
        return [status, Object.fromEntries(Object.entries(content).map(([type, one]) => [type, one.schema]))]
      })
      const named = parameters.map((one) => Parameter.parse('$ref' in one ? resolve(one.$ref) : one))
      return {
        name: `${method.toUpperCase()} ${path}`,
        method: method.toUpperCase(),
        path: path.replace(/\{(\w+)\}/g, ':$1'),
        answers: new Map(answers as Array<[string, Record<string, JsonSchema | undefined>]>),
        includes: includesOf(named.find(({ name }) => name === 'include')?.schema),
      }
    }),
  )
  return { operations, json, resolve }
}

const Includes = z.object({ items: z.object({ enum: z.array(z.string()) }) })

function includesOf(schema: JsonSchema | undefined): readonly string[] {
  return schema ? Includes.parse(schema).items.enum : []
}
