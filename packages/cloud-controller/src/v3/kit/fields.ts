import { z } from 'zod'
import { humanized } from './words.ts'

/*
 * Zod schemas of single fields, with CC's words for each fault (semantics, section 2.1). `words` is the attribute as CC
 * humanises it, with its parents where it has some: "Name", "Relationships Space".
 */

const maximumInteger = 2_147_483_647

/** Required text of 1 to `maximum` characters: missing or blank "can't be blank". */
export function text(words: string, maximum = 255) {
  return z
    .string({
      error: ({ input }) =>
        input === undefined || input === null ? `${words} can't be blank` : `${words} must be a string`,
    })
    .meta({ minLength: 1, maxLength: maximum })
    .superRefine((value, context) => {
      const fault = textFault(value, maximum)
      if (fault) context.addIssue({ code: 'custom', message: `${words} ${fault}` })
    })
}

function textFault(value: string, maximum: number): string | undefined {
  if (value.trim() === '') return "can't be blank"
  if (value.includes('\0')) return 'must not contain null bytes'
  if ([...value].length > maximum) return `is too long (maximum is ${maximum} characters)`
  return undefined
}

/** Text that may also be empty or null, at most `maximum` characters. */
export function optionalText(words: string, maximum = 65_535) {
  return z
    .string({ error: `${words} must be a string` })
    .meta({ maxLength: maximum })
    .refine((value) => [...value].length <= maximum, {
      error: `${words} is too long (maximum is ${maximum} characters)`,
    })
    .refine((value) => !value.includes('\0'), { error: `${words} must not contain null bytes` })
    .nullish()
}

export function flag(words: string) {
  return z.boolean({ error: `${words} must be a boolean` })
}

/** An integer from `minimum` to `maximum`; "is not a number", "must be an integer", "must be greater than …". */
export function integer(
  words: string,
  { minimum, maximum = maximumInteger }: { minimum?: number; maximum?: number } = {},
) {
  return z
    .number({ error: `${words} is not a number` })
    .meta({ type: 'integer', ...(minimum !== undefined && { minimum }), maximum })
    .superRefine((value, context) => {
      const fault = integerFault(value, minimum, maximum)
      if (fault) context.addIssue({ code: 'custom', message: `${words} ${fault}` })
    })
}

function integerFault(value: number, minimum: number | undefined, maximum: number): string | undefined {
  if (!Number.isInteger(value)) return 'must be an integer'
  if (minimum !== undefined && value < minimum)
    return minimum === 1 ? 'must be greater than 0' : `must be greater than or equal to ${minimum}`
  if (value > maximum) return `must be less than or equal to ${maximum}`
  return undefined
}

/** A guid inside a relationship or filter: text of 1 to 200 characters. */
export function guid(words: string) {
  const wrongLength = `${words} must be between 1 and 200 characters`
  return z
    .string({ error: `${words} must be a string, ${wrongLength}` })
    .meta({ minLength: 1, maxLength: 200 })
    .refine((value) => value.length >= 1 && value.length <= 200 && !value.includes('\0'), { error: wrongLength })
}

/**
 * A relationship, of which only the shape `{data: {guid}}` is accepted; `name` is its key ("space"). Null for data is fine with CC,
 * and becomes a guid that nothing has. `isDemanded`: a missing one is told to be blank, too.
 */
export function toOne(name: string, { isDemanded = true }: { isDemanded?: boolean } = {}) {
  const words = `Relationships ${humanized(name)}`
  const shape = `${words} must be structured like this: "${name}: {"data": {"guid": "valid-guid"}}"`
  const missing = isDemanded ? `${words} can't be blank, ${shape}` : shape
  const data = z.strictObject({ guid: guid(`${words} guid`) }, { error: shape })
  return z.strictObject(
    { data: data.nullable().transform((named) => named ?? { guid: '' }) },
    { error: ({ input }) => (input === undefined || input === null ? missing : shape) },
  )
}

/** Only the shape `{data: [{guid}, …]}`; `name` is the relationship's key ("organizations"). */
export function toMany(name: string) {
  const words = `Relationships ${humanized(name)}`
  const shape = `${words} must be structured like this: "${name}: {"data": [{"guid": "valid-guid"},{"guid": "valid-guid"}]}"`
  const element = z.strictObject({ guid: guid(`${words.replace(/s$/, '')} guids`) }, { error: shape })
  return z.strictObject({ data: z.array(element, { error: shape }) }, { error: shape })
}

/** The `relationships` object of a create message (cloud_controller_ng app/messages/validators.rb, RelationshipValidator). */
export function relationships<S extends z.ZodRawShape>(shape: S) {
  return z.preprocess((value, context) => {
    const fault = relationshipsFault(value)
    if (fault) context.addIssue({ code: 'custom', message: `Relationships 'relationships' ${fault}` })
    return value
  }, z.strictObject(shape))
}

/** What is wrong with `relationships` as a whole, or undefined. */
export function relationshipsFault(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'is not an object'
  return Object.keys(value).length === 0 ? 'must include one or more valid relationships' : undefined
}

/** `{guid}`, and nothing else. */
export const referenceSchema = {
  type: 'object',
  properties: { guid: { type: 'string' } },
  required: ['guid'],
  additionalProperties: false,
} as const

/** The body of a to-many endpoint: `{data: [{guid}, …]}`, at least the array. */
export const toManyBody = z.strictObject({
  data: z
    .unknown()
    .meta({ type: 'array', minItems: 1, items: referenceSchema })
    .superRefine((value, context) => {
      const fault = (message: string): void => context.addIssue({ code: 'custom', message })
      if (value === undefined || value === null) fault("Data can't be blank, Data must be an array")
      else if (!Array.isArray(value)) fault('Data must be an array')
      else if (value.length === 0) fault("Data can't be blank")
      else
        for (const [index, element] of value.entries()) {
          const id: unknown =
            typeof element === 'object' && element !== null ? (element as { guid?: unknown }).guid : undefined
          if (typeof id !== 'string' || Object.keys(element as object).length !== 1)
            fault(`Invalid data type: Data[${index}] guid should be a string.`)
        }
    })
    .transform((value) => value as Array<{ guid: string }>),
})
