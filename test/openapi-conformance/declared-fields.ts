import type { JsonSchema, ReferenceDocument } from './reference-document.ts'

/** A difference between an answer and what the document says of it. */
export interface Fault {
  /** `App/links/space`: the schema that has the name, and the way from there. `*` is any item or key. */
  readonly at: string
  /** `undocumented`, `never sent`, or what the validator says: `type: must be string`. */
  readonly what: string
}

/** Which of the declared fields were seen in any answer. Whether one may be missing is nowhere in the document. */
export class FieldCoverage {
  readonly #declared = new Set<string>()
  readonly #sent = new Set<string>()

  declare(at: string): void {
    this.#declared.add(at)
  }

  see(at: string): void {
    this.#sent.add(at)
  }

  faults(): Fault[] {
    return [...this.#declared].filter((at) => !this.#sent.has(at)).map((at) => ({ at, what: 'never sent' }))
  }
}

/** What a walk through an answer found besides what the validator sees. */
export interface Walk {
  readonly faults: Fault[]
  /** The name of each place in the answer, by its JSON pointer. */
  readonly names: ReadonlyMap<string, string>
}

/**
 * Walks through an answer together with its schema. The schemas require almost nothing and close nothing, so that an answer
 * may lack or add every field and be valid all the same: here, a field that is not declared is a fault, and the coverage
 * learns which of the declared ones there are. `root` names what is not in a named schema.
 */
export function walkFields(
  answer: unknown,
  schema: JsonSchema,
  root: string,
  document: ReferenceDocument,
  coverage: FieldCoverage,
): Walk {
  const faults: Fault[] = []
  const names = new Map<string, string>()

  const visit = (value: unknown, schemas: readonly JsonSchema[], outerName: string, pointer: string): void => {
    const alternatives = schemas.flatMap((one) => flatten(one, value, document))
    const name = alternatives.find((one) => one.name !== undefined)?.name ?? outerName
    names.set(pointer, name)
    if (Array.isArray(value)) {
      const items = alternatives.flatMap((one) => (isSchema(one.schema.items) ? [one.schema.items] : []))
      for (const [index, item] of value.entries()) visit(item, items, `${name}/*`, `${pointer}/${index}`)
      return
    }
    if (!isSchema(value)) return
    const declaring = alternatives.filter(({ schema }) => isSchema(schema.properties))
    const isOpen = declaring.length === 0
    for (const [key, field] of Object.entries(value)) {
      const fieldPointer = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
      const declared = declaring.flatMap(({ schema }) => schemaOf(schema.properties, key))
      const others = alternatives.flatMap(({ schema }) => schemaOf(schema, 'additionalProperties'))
      if (declared.length > 0) {
        coverage.see(`${name}/${key}`)
        visit(field, declared, `${name}/${key}`, fieldPointer)
      } else if (isOpen || others.length > 0) visit(field, others, `${name}/*`, fieldPointer)
      else faults.push({ at: `${name}/${key}`, what: 'undocumented' })
    }
    for (const { schema } of declaring)
      for (const key of Object.keys(schema.properties as JsonSchema)) coverage.declare(`${name}/${key}`)
  }

  visit(answer, [schema], root, '')
  return { faults, names }
}

interface Flat {
  readonly schema: JsonSchema
  /** Of the component that the value is, unless the schema is part of another one. */
  readonly name: string | undefined
}

/** The schema and all that it refers to for the same value. */
function flatten(schema: JsonSchema, value: unknown, document: ReferenceDocument, isPart = false): Flat[] {
  const list = (keyword: string): JsonSchema[] => {
    const found = schema[keyword]
    return Array.isArray(found) ? found.filter(isSchema) : []
  }
  const ref = typeof schema.$ref === 'string' ? schema.$ref : undefined
  // `allOf` of a single reference and a description is how the document says more of a reference.
  const isWrapper = schema.properties === undefined && !list('allOf').some((one) => 'properties' in one)
  return [
    { schema, name: ref && !isPart ? ref.split('/').at(-1) : undefined },
    ...(ref ? flatten(document.resolve(ref) as JsonSchema, value, document, true) : []),
    ...list('allOf').flatMap((one) => flatten(one, value, document, isPart || !isWrapper)),
    ...chosen(schema, [...list('oneOf'), ...list('anyOf')], value).flatMap((one) =>
      flatten(one, value, document, isPart),
    ),
  ]
}

/** Which of the alternatives the value says to be, by its discriminator; all where it says nothing. */
function chosen({ discriminator }: JsonSchema, alternatives: JsonSchema[], value: unknown): JsonSchema[] {
  if (!isSchema(discriminator) || !isSchema(value)) return alternatives
  const { propertyName, mapping } = discriminator
  const said = isSchema(mapping) ? mapping[String(value[String(propertyName)])] : undefined
  return said === undefined ? alternatives : [{ $ref: said }]
}

const isSchema = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function schemaOf(holder: unknown, key: string): JsonSchema[] {
  const found = isSchema(holder) && Object.hasOwn(holder, key) ? holder[key] : undefined
  if (found === true) return [{}]
  return isSchema(found) ? [found] : []
}
