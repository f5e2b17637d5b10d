import fc from 'fast-check'
import type { z } from 'zod'
import { deep, json, number, ownProperties, some, text } from './bad-values.ts'

/** A schema of a body as the document of the API has it. */
export type Shape = z.core.JSONSchema.BaseSchema
type Path = ReadonlyArray<string | number>

/** Somewhere in a body where something may stand, and what that should be. */
interface Place {
  readonly path: Path
  readonly shape: Shape
}

/** One fault that is put into a body on purpose. */
type Fault =
  | { readonly kind: 'value'; readonly path: Path; readonly value: unknown }
  | { readonly kind: 'missing'; readonly path: Path }
  | { readonly kind: 'additional'; readonly path: Path; readonly key: string; readonly value: unknown }
  | { readonly kind: 'twice'; readonly key: string; readonly value: unknown }

export interface BodyOptions {
  readonly shape: Shape
  /** A body that the operation accepts. */
  readonly right: unknown
  /** Of things that are elsewhere, of another kind, or nowhere. */
  readonly wrongGuids: readonly string[]
}

/**
 * JSON texts that are right by the schema but for one to three faults: a value beyond a limit or of another type, a field that is
 * missing, unknown, given twice or nested too deeply, the guid of something else. Optional fields are there or not.
 */
export function faultyBodies({ shape, right, wrongGuids }: BodyOptions): fc.Arbitrary<string> {
  const places = allPlaces(shape, right)
  const fault = fc.oneof(
    ...places.flatMap((place) => [
      { weight: 3, arbitrary: wrongValue(place, wrongGuids) },
      { weight: 1, arbitrary: structuralFault(place) },
    ]),
  )
  const fields = new Map([shape, ...alternativesOf(shape)].flatMap(({ properties = {} }) => Object.entries(properties)))
  const optional = [...fields.keys()].filter((key) => !isObject(right) || !(key in right))
  return fc.tuple(fc.subarray(optional), some(fault, 3)).map(([keys, faults]) => {
    const samples = keys.map((key) => [key, sample(asShape(fields.get(key)))] as const)
    const body = isObject(right) ? ownProperties([...Object.entries(right), ...samples]) : right
    return written(body, faults)
  })
}

/** What the schema knows, and what of the right body it does not tell. */
function allPlaces(shape: Shape, right: unknown): Place[] {
  const known = placesOf(shape)
  const paths = new Set(known.map(({ path }) => path.join('/')))
  return [...known, ...placesIn(right).filter(({ path }) => !paths.has(path.join('/')))]
}

const furthest = 8

function placesOf(shape: Shape, path: Path = []): Place[] {
  if (path.length > furthest) return []
  const alternatives = alternativesOf(shape)
  const { properties = {}, items, additionalProperties } = shape
  return [
    { path, shape },
    ...Object.entries(properties).flatMap(([key, inner]) => placesOf(asShape(inner), [...path, key])),
    ...(isObject(items) && !Array.isArray(items) ? placesOf(items as Shape, [...path, 0]) : []),
    ...(isObject(additionalProperties) ? placesOf(additionalProperties as Shape, [...path, 'some_key']) : []),
    ...alternatives.flatMap((inner) => placesOf(inner, path)),
  ]
}

function placesIn(value: unknown, path: Path = []): Place[] {
  const inner = Array.isArray(value) ? [...value.entries()] : isObject(value) ? Object.entries(value) : []
  return [{ path, shape: {} }, ...inner.flatMap(([key, one]) => placesIn(one, [...path, key]))]
}

function wrongValue({ path, shape }: Place, wrongGuids: readonly string[]): fc.Arbitrary<Fault> {
  const last = String(path.at(-1) ?? '')
  const value = last.endsWith('guid')
    ? fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...wrongGuids) }, extremes(shape), json)
    : fc.oneof({ weight: 2, arbitrary: extremes(shape) }, fc.constant(null), json)
  return value.map((one) => ({ kind: 'value', path, value: one }))
}

/** Lengths at which a rule of some field ends. */
const lengths = [1, 16, 63, 128, 200, 250, 253, 255, 1024, 4096, 5000, 65_535]

/** Just inside and outside of what the schema allows. */
function extremes(shape: Shape): fc.Arbitrary<unknown> {
  const alternatives = alternativesOf(shape)
  if (alternatives.length > 0) return fc.oneof(...alternatives.map(extremes))
  if (shape.enum) return fc.constantFrom(...shape.enum.flatMap(nearMisses))
  const types = typesOf(shape)
  if (types.length > 1) return fc.oneof(...types.map((type) => extremes({ ...shape, type })))
  switch (types[0]) {
    case 'string':
      return fc.oneof(textOfLength(shape), text)
    case 'integer':
    case 'number':
      return fc.oneof(around(shape.minimum, shape.maximum), around(...commonLimits), number)
    case 'boolean':
      return fc.constantFrom(true, false, 'true', 'false', 0, 1, '', [])
    case 'array':
      return manyElements(asShape(Array.isArray(shape.items) ? shape.items[0] : shape.items))
    case 'object':
      return fc.oneof(fc.constantFrom({}, [], [{}], ''), manyKeys, deep)
    default:
      return fc.oneof(text, number, deep, json)
  }
}

function nearMisses(value: unknown): unknown[] {
  return typeof value === 'string'
    ? [
        value,
        value.toUpperCase(),
        value.toLowerCase(),
        ` ${value}`,
        `${value}\n`,
        `${value}\0`,
        [value],
        { [value]: 1 },
      ]
    : [value, String(value), [value]]
}

function textOfLength({ minLength = 1, maxLength = 255 }: Shape): fc.Arbitrary<string> {
  const length = fc.oneof(fc.constantFrom(minLength, maxLength), fc.constantFrom(...lengths))
  return fc
    .tuple(length, fc.constantFrom(-1, 0, 1), fc.constantFrom('a', 'é', '🐳', ' ', '\u0301', 'İ'))
    .map(([limit, more, unit]) => unit.repeat(Math.max(0, limit + more)))
}

const commonLimits = [0, 1, 100, 1024, 65_535, 2 ** 31 - 1, 2 ** 53 - 1]

function around(...limits: Array<number | undefined>): fc.Arbitrary<number> {
  const known = limits.filter((limit) => limit !== undefined)
  return fc.constantFrom(
    ...(known.length > 0 ? known : commonLimits).flatMap((limit) => [limit - 1, limit, limit + 1, limit + 0.5, -limit]),
  )
}

/** None, the same twice, more than any rule allows. */
function manyElements(element: Shape): fc.Arbitrary<unknown> {
  const one = sample(element)
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc.constantFrom(0, 2, 11, 101, 5001).map((count) => Array.from({ length: count }, () => one)),
    },
    { weight: 9, arbitrary: fc.array(fc.oneof(extremes(element), json), { maxLength: 3 }) },
    { weight: 1, arbitrary: fc.constantFrom({ 0: one, length: 1 }, one) },
    { weight: 1, arbitrary: typesOf(element).includes('string') ? manyTexts : manyGuids },
  )
}

/** PostgreSQL takes 65,535 variables in a statement, SQLite half as many. */
const different = [5000, 70_000].map((count) => Array.from({ length: count }, (_, number) => `text-${number}`))
const manyTexts = fc.constantFrom(...different)
const manyGuids = fc.constantFrom(...different.map((texts) => texts.map((guid) => ({ guid }))))

const manyKeys = fc.constantFrom(
  ...[51, 201, 2000, 15_000].map((count) =>
    Object.fromEntries(Array.from({ length: count }, (_, number) => [`key-${number}`, 'value'])),
  ),
)

function structuralFault({ path, shape }: Place): fc.Arbitrary<Fault> {
  const key = fc.oneof(text, fc.constantFrom('guid', 'created_at', 'links', 'type', 'data', ...keysLike(shape)))
  const additional = fc.record({ kind: fc.constant('additional' as const), path: fc.constant(path), key, value: json })
  const last = path.at(-1)
  if (last === undefined) return additional
  return fc.oneof(
    fc.constant({ kind: 'missing' as const, path }),
    additional,
    deep.map((value) => ({ kind: 'value' as const, path, value })),
    json.map((value) => ({ kind: 'twice' as const, key: String(last), value })),
  )
}

/** Keys that only look like those of the schema. */
const keysLike = ({ properties = {} }: Shape): string[] =>
  Object.keys(properties).flatMap((key) => [key.toUpperCase(), `${key} `, key.replaceAll('_', '-')])

/** The simplest value that fits. */
function sample(shape: Shape): unknown {
  const [first] = alternativesOf(shape)
  if (first !== undefined) return sample(first)
  if (shape.const !== undefined) return shape.const
  if (shape.enum) return shape.enum[0]
  switch (typesOf(shape)[0]) {
    case 'string':
      return 'a'.repeat(Math.max(1, shape.minLength ?? 1))
    case 'integer':
    case 'number':
      return Math.max(1, shape.minimum ?? 1)
    case 'boolean':
      return true
    case 'array':
      return [sample(asShape(Array.isArray(shape.items) ? shape.items[0] : shape.items))]
    case 'null':
      return null
    default: {
      const wanted = Object.entries(shape.properties ?? {}).filter(([key]) => shape.required?.includes(key))
      return ownProperties(wanted.map(([key, inner]) => [key, sample(asShape(inner))]))
    }
  }
}

function written(body: unknown, faults: readonly Fault[]): string {
  let root = body
  for (const fault of faults) {
    if (fault.kind === 'value') root = withValue(root, fault.path, () => fault.value)
    if (fault.kind === 'missing') root = withoutValue(root, fault.path)
    if (fault.kind === 'additional')
      root = withValue(root, fault.path, (inner) => {
        if (Array.isArray(inner)) return [...inner, fault.value]
        return ownProperties([...(isObject(inner) ? Object.entries(inner) : []), [fault.key, fault.value]])
      })
  }
  let json = JSON.stringify(root) ?? ''
  for (const fault of faults) {
    if (fault.kind !== 'twice') continue
    const name = `${JSON.stringify(fault.key)}:`
    json = json.replace(name, () => `${name}${JSON.stringify(fault.value)},${name}`)
  }
  return json
}

/** Makes what is missing on the way. */
function withValue(node: unknown, path: Path, change: (before: unknown) => unknown): unknown {
  const [key, ...rest] = path
  if (key === undefined) return change(node)
  if (typeof key === 'number') {
    const list: unknown[] = Array.isArray(node) ? node : []
    return list.toSpliced(key, 1, withValue(list[key], rest, change))
  }
  const entries = isObject(node) && !Array.isArray(node) ? Object.entries(node) : []
  const before = entries.find(([name]) => name === key)?.[1]
  return ownProperties([...entries.filter(([name]) => name !== key), [key, withValue(before, rest, change)]])
}

function withoutValue(node: unknown, path: Path): unknown {
  const [key, ...rest] = path
  if (key === undefined) return undefined
  if (Array.isArray(node))
    return rest.length === 0
      ? node.toSpliced(Number(key), 1)
      : node.map((inner, index) => (index === key ? withoutValue(inner, rest) : inner))
  if (!isObject(node)) return node
  const entries = Object.entries(node)
  return ownProperties(
    rest.length === 0
      ? entries.filter(([name]) => name !== key)
      : entries.map(([name, inner]) => [name, name === key ? withoutValue(inner, rest) : inner]),
  )
}

const alternativesOf = ({ anyOf = [], oneOf = [], allOf = [] }: Shape): Shape[] =>
  [...anyOf, ...oneOf, ...allOf].map(asShape)

/** The schemas of Zod give one type or a list of them. */
function typesOf({ type }: Shape): Array<NonNullable<Shape['type']>> {
  if (type === undefined) return []
  return Array.isArray(type) ? type : [type]
}

const asShape = (shape: unknown): Shape => (isObject(shape) ? (shape as Shape) : {})

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
