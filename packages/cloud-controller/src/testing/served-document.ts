import assert from 'node:assert/strict'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { TestController } from './test-controller.ts'

type JsonSchema = Readonly<Record<string, unknown>>

/** A parameter of an operation; what it is a list of stands in its schema. */
export interface ServedParameter {
  readonly name: string
  readonly in: 'path' | 'query'
  readonly schema: { readonly type?: string; readonly enum?: readonly string[]; readonly items?: JsonSchema }
}

interface Operation {
  readonly operationId: string
  readonly security: readonly unknown[]
  readonly parameters?: ReadonlyArray<ServedParameter | { readonly $ref: string }>
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> }
}

export interface ServedDocument {
  readonly openapi: string
  readonly servers: unknown
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly parameters: Readonly<Record<string, ServedParameter>> }
}

export interface DocumentedServedOperation extends Operation {
  /** As in operation-cases.ts: `GET /v3/apps/:guid`. */
  readonly name: string
  readonly method: string
  readonly path: string
  readonly parameters: readonly ServedParameter[]
}

/** The OpenAPI document that the Cloud Controller answers. */
export async function servedDocument({ anonymous }: TestController): Promise<ServedDocument> {
  const { status, body } = await anonymous.get('/openapi.json')
  assert.equal(status, 200, JSON.stringify(body))
  return body
}

export function operationsOf({ paths, components }: ServedDocument): DocumentedServedOperation[] {
  return Object.entries(paths).flatMap(([template, item]) =>
    Object.entries(item).map(([verb, operation]) => {
      const [method, path] = [verb.toUpperCase(), template.replace(/\{(\w+)\}/g, ':$1')]
      const parameters = (operation.parameters ?? []).map((one) => {
        const found = '$ref' in one ? components.parameters[one.$ref.split('/').at(-1) ?? ''] : one
        if (!found) throw new Error(`${JSON.stringify(one)} leads nowhere`)
        return found
      })
      return { ...operation, name: `${method} ${path}`, method, path, parameters }
    }),
  )
}

/** Tells whether bodies are what the document wants them to be. */
export function bodyCheck(document: ServedDocument) {
  const ajv = new Ajv2020({ strict: false, formats: { binary: true } })
  addFormats.default(ajv)
  ajv.addSchema(document, 'served')
  return ({ path, method }: DocumentedServedOperation, body: unknown): string | undefined => {
    const pointer = [
      'paths',
      path.replace(/:(\w+)/g, '{$1}'),
      method.toLowerCase(),
      'requestBody/content/application~1json/schema',
    ]
    const [start, template = '', ...rest] = pointer
    const ref = `served#/${start}/${encodeURIComponent(template.replaceAll('~', '~0').replaceAll('/', '~1'))}/${rest.join('/')}`
    const validate = ajv.getSchema(ref)
    if (!validate) throw new Error(`${ref} leads nowhere`)
    return validate(body) ? undefined : ajv.errorsText(validate.errors)
  }
}
