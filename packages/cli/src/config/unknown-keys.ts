import { z } from 'zod'

/**
 * The keys of a value that its schema does not have, as dotted paths. Many schemas let unknown keys pass, and then a misspelt setting would
 * be no setting and no fault either.
 */
export function unknownKeys(schema: z.core.$ZodType, value: unknown, path: readonly string[] = []): string[] {
  const object = innermost(schema)
  if (!(object instanceof z.core.$ZodObject) || typeof value !== 'object' || value === null) return []
  const { shape, catchall } = object._zod.def
  return Object.entries(value).flatMap(([key, inner]) => {
    const field = shape[key]
    if (field) return unknownKeys(field, inner, [...path, key])
    // A strict or a loose object has a view of its own.
    return catchall ? [] : [[...path, key].join('.')]
  })
}

/** What a default, an optional or a transformation is wrapped around. */
function innermost(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.core.$ZodPipe) return innermost(schema._zod.def.in)
  if (
    schema instanceof z.core.$ZodDefault ||
    schema instanceof z.core.$ZodPrefault ||
    schema instanceof z.core.$ZodOptional ||
    schema instanceof z.core.$ZodNullable
  )
    return innermost(schema._zod.def.innerType)
  return schema
}
