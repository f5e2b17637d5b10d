import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { links, pagination, time } from '../kit/answer-fields.ts'
import { Metadata } from '../kit/metadata.ts'
import type { JsonSchema } from '../kit/query-parameters.ts'
import type { ResourceFacts } from '../kit/resource.ts'

const Failure = z
  .object({
    errors: z.array(z.object({ code: z.number().meta({ type: 'integer' }), title: z.string(), detail: z.string() })),
  })
  .meta({ id: 'Errors' })

/** The schemas of one document; what has a name stands in its components, and is referred to. */
export class Components {
  readonly schemas: Record<string, JsonSchema> = {}
  readonly parameters: Record<string, JsonSchema> = {}
  readonly #resources = new Map<string, { readonly fields: ResourceFacts['fields']; readonly schema: z.ZodObject }>()

  /** What is sent. Schemas with an `id` become components. Throws for two of one name. */
  of(schema: z.ZodType): JsonSchema {
    const {
      $schema: _,
      $defs = {},
      ...rest
    } = z.toJSONSchema(schema, {
      io: 'input',
      unrepresentable: 'any',
      override: ({ jsonSchema }) => {
        // Of JSON all names are text.
        if (isDeepStrictEqual(jsonSchema.propertyNames, { type: 'string' })) delete jsonSchema.propertyNames
      },
    })
    for (const [name, definition] of Object.entries($defs)) this.#add(name, relocated(definition))
    const { id, ...root } = relocated(rest)
    if (typeof id !== 'string') return root
    this.#add(id, root)
    return reference(id)
  }

  /** A resource with all its fields, one component for each kind. */
  resource(facts: ResourceFacts): z.ZodObject {
    const name = componentName(facts)
    const known = this.#resources.get(name)
    if (known && known.fields !== facts.fields) throw new Error(`two resources with different fields are a ${name}`)
    const schema = known?.schema ?? resourceSchema(name, facts)
    this.#resources.set(name, { fields: facts.fields, schema })
    return schema
  }

  /** The answer of a list; `included` where there can be something in it. */
  list(facts: ResourceFacts, hasIncluded: boolean): JsonSchema {
    const resources = z.array(this.resource(facts))
    return this.of(z.object({ pagination, resources, ...(hasIncluded && { included: included.optional() }) }))
  }

  /** The answer of a single resource that may bring others along. */
  single(facts: ResourceFacts, hasIncluded: boolean): JsonSchema {
    const resource = this.of(this.resource(facts))
    return hasIncluded
      ? { allOf: [resource, { type: 'object', properties: { included: this.of(included) } }] }
      : resource
  }

  /** A parameter that many operations have. */
  parameter(parameter: JsonSchema & { readonly name: string }): JsonSchema {
    const name = parameter.name.replace(/\W+/g, '.').replace(/\.$/, '')
    this.parameters[name] = parameter
    return { $ref: `#/components/parameters/${name}` }
  }

  failure(): JsonSchema {
    return this.of(Failure)
  }

  #add(name: string, { id: _, ...schema }: JsonSchema): void {
    const known = this.schemas[name]
    if (known && !isDeepStrictEqual(known, schema)) throw new Error(`two different schemas have the name ${name}`)
    this.schemas[name] = schema
  }
}

const included = z.record(z.string(), z.array(z.record(z.string(), z.unknown())))

/** `OrganizationQuota` of "Organization quota". */
const componentName = ({ singular }: ResourceFacts): string =>
  singular.replace(/ (\w)/g, (_, letter: string) => letter.toUpperCase())

function resourceSchema(name: string, { fields, hasMetadata }: ResourceFacts): z.ZodObject {
  return z
    .object({
      guid: z.string(),
      created_at: time,
      updated_at: time,
      ...fields().shape,
      ...(hasMetadata && { metadata: Metadata }),
      links,
    })
    .meta({ id: name })
}

const reference = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` })

/** With references into the document's components. */
function relocated(schema: object): JsonSchema {
  return JSON.parse(JSON.stringify(schema), (key, value: unknown) =>
    key === '$ref' && typeof value === 'string' ? value.replace('#/$defs/', '#/components/schemas/') : value,
  )
}
