import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { parse } from 'yaml'
import { type Fault, type FieldCoverage, walkFields } from './declared-fields.ts'
import type { JsonSchema, ReferenceDocument, ReferenceOperation } from './reference-document.ts'

/** What of an answer is compared. */
export interface CheckedAnswer {
  readonly status: number
  readonly contentType: string | null
  /** Parsed, where it is JSON; '' where there is none. */
  readonly body: unknown
}

/** Compares answers with the document: status, presence of a body, content type, JSON Schema, and fields in both directions. */
export function answerCheck(document: ReferenceDocument, coverage: FieldCoverage) {
  const ajv = new Ajv2020({ allErrors: true, strict: false, formats: { binary: true } })
  addFormats.default(ajv)
  ajv.addSchema(document.json, 'reference')
  const compiled = new Map<JsonSchema, ValidateFunction>()

  return (operation: ReferenceOperation, { status, contentType, body }: CheckedAnswer): Fault[] => {
    const content = operation.answers.get(String(status)) ?? operation.answers.get(`${Math.floor(status / 100)}XX`)
    if (!content) return [{ at: operation.name, what: `status ${status}` }]
    const types = Object.keys(content)
    if (body === '' || types.length === 0) {
      if (body === '' && types.length === 0) return []
      return [{ at: operation.name, what: body === '' ? `${status} without a body` : `${status} with a body` }]
    }
    const type = contentType?.split(';')[0] ?? 'no content type'
    if (!types.includes(type)) return [{ at: operation.name, what: `${status} of ${type}` }]
    const schema = content[type]
    if (!schema) return [{ at: operation.name, what: `${status} without a schema` }]
    const value = type === 'application/x-yaml' && schema.type !== 'string' ? parse(String(body)) : body
    const { faults, names } = walkFields(value, schema, operation.name, document, coverage)
    return [...faults, ...violations(value, schema).map((error) => faultOf(error, names))]
  }

  function violations(body: unknown, schema: JsonSchema): ErrorObject[] {
    const validate = compiled.get(schema) ?? ajv.compile(relativeTo('reference', schema))
    compiled.set(schema, validate)
    validate(body)
    const errors = validate.errors ?? []
    const choices = errors.filter(({ keyword }) => keyword === 'oneOf' || keyword === 'anyOf')
    const isWithinChoice = ({ instancePath }: ErrorObject): boolean =>
      choices.some((choice) => `${instancePath}/`.startsWith(`${choice.instancePath}/`))
    // Why each of the alternatives does not fit says less than that none does.
    return errors.filter((error) => choices.includes(error) || !isWithinChoice(error))
  }
}

function faultOf({ instancePath, keyword, message = '' }: ErrorObject, names: ReadonlyMap<string, string>): Fault {
  return { at: names.get(instancePath) ?? instancePath, what: `${keyword}: ${message}` }
}

/** The schema with its references into the document told from itself. */
function relativeTo(id: string, schema: JsonSchema): JsonSchema {
  return JSON.parse(JSON.stringify(schema), (key, value: unknown) =>
    key === '$ref' && typeof value === 'string' ? `${id}${value}` : value,
  )
}
