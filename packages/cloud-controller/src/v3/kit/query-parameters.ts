/** A JSON Schema, as OpenAPI 3.1 takes it. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** A parameter of the query that an operation reads besides those that the kit knows. */
export interface QueryParameter {
  /** `embed`; of a nested one with what stands in its brackets: `fields[space]`. */
  readonly name: string
  readonly schema: JsonSchema
  readonly isRequired?: boolean
}

/** Several values with commas between them; any text unless the values are told. */
export function listParameter(name: string, values?: readonly string[]): QueryParameter {
  return { name, schema: { type: 'array', items: { type: 'string', ...(values && { enum: values }) } } }
}

/** The keys that the parameters have in a query: `fields` of `fields[space]`. Each once. */
export function keysOf(parameters: readonly QueryParameter[]): string[] {
  return [...new Set(parameters.map(({ name }) => name.replace(/\[.*/, '')))]
}

/** What is to be copied, where a body then only tells the destination. */
export const sourceGuid = { name: 'source_guid', schema: { type: 'string' } } as const satisfies QueryParameter

export const pagingParameters: readonly QueryParameter[] = [
  { name: 'page', schema: { type: 'integer', minimum: 1, default: 1 } },
  { name: 'per_page', schema: { type: 'integer', minimum: 1, maximum: 5000, default: 50 } },
]

/** `order_by`, of which a minus before the key turns the order around. */
export function orderParameter(keys: readonly string[]): QueryParameter {
  return { name: 'order_by', schema: { type: 'string', enum: keys.flatMap((key) => [key, `+${key}`, `-${key}`]) } }
}

const time = { type: 'string', format: 'date-time' } as const

/** A filter of times: some times, or one that they must be before or after. */
export function timeParameters(key: string): QueryParameter[] {
  return [
    { name: key, schema: { type: 'array', items: time } },
    ...['lt', 'lte', 'gt', 'gte'].map((operator) => ({ name: `${key}[${operator}]`, schema: time })),
  ]
}
