import { z } from 'zod'
import { factsOf } from '../v3/kit/operation-facts.ts'
import { routes } from '../v3/routes.ts'
import type { Shape } from './faulty-bodies.ts'

/** What bodies of the operation look like, by what its route says that it takes; `{}` where that is nothing. */
export function bodyShape(operation: string): Shape {
  const handlers = routes.routes.filter(({ method, path }) => `${method} ${path}` === operation)
  const { body } = factsOf(handlers.map(({ handler }) => handler))
  const [shape = {}, ...others] = (body?.schemas ?? []).map(shapeOf)
  return others.length === 0 ? shape : { anyOf: [shape, ...others] }
}

function shapeOf(message: z.ZodType): Shape {
  const { $defs, ...shape } = z.toJSONSchema(message, { io: 'input', unrepresentable: 'any' }) as Shape
  return withDefinitions(shape, $defs ?? {}) as Shape
}

/** With what `$ref` names put in its place. */
function withDefinitions(node: unknown, definitions: NonNullable<Shape['$defs']>): unknown {
  if (Array.isArray(node)) return node.map((inner) => withDefinitions(inner, definitions))
  if (typeof node !== 'object' || node === null) return node
  if ('$ref' in node && typeof node.$ref === 'string')
    return withDefinitions(definitions[node.$ref.slice('#/$defs/'.length)] ?? {}, definitions)
  return Object.fromEntries(Object.entries(node).map(([key, inner]) => [key, withDefinitions(inner, definitions)]))
}
