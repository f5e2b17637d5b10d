import { isDeepStrictEqual } from 'node:util'
import { printed } from '../kit/words.ts'
import { isMapping, type YamlMapping } from './yaml-document.ts'

/** One change, in the manner of JSON Patch: `value` of add and replace, `was` of remove and replace. */
export interface Difference {
  readonly op: 'add' | 'remove' | 'replace'
  readonly path: string
  readonly was?: unknown
  readonly value?: unknown
}

/**
 * What has to change to come from `before` to `after`. Paths of what is added or replaced are places in `after`, where clients
 * show them; paths of what is removed are places in `before`. Elements of lists belong together when they are equal or have the
 * same `type`, `name` or `route`.
 */
export function differences(before: unknown, after: unknown, path = ''): Difference[] {
  if (isMapping(before) && isMapping(after)) return mappingDifferences(before, after, path)
  if (Array.isArray(before) && Array.isArray(after)) return listDifferences(before, after, path)
  if (isDeepStrictEqual(before, after) || (isMissing(before) && isMissing(after))) return []
  if (isMissing(before)) return [{ op: 'add', path, value: after }]
  return [{ op: 'replace', path, was: before, value: after }]
}

const isMissing = (value: unknown): boolean => value === undefined || value === null

function mappingDifferences(before: YamlMapping, after: YamlMapping, path: string): Difference[] {
  const removed = Object.keys(before).filter((key) => !Object.hasOwn(after, key))
  const added = Object.keys(after).filter((key) => !Object.hasOwn(before, key))
  const kept = Object.keys(before).filter((key) => Object.hasOwn(after, key))
  return [
    ...removed.map((key) => ({ op: 'remove' as const, path: below(path, key), was: before[key] })),
    ...added.map((key) => ({ op: 'add' as const, path: below(path, key), value: after[key] })),
    ...kept.flatMap((key) => differences(before[key], after[key], below(path, key))),
  ]
}

function listDifferences(before: readonly unknown[], after: readonly unknown[], path: string): Difference[] {
  const pairs = pairsOf(before, after)
  const unpaired = (list: readonly unknown[], taken: ReadonlySet<number>) =>
    list.flatMap((value, index) => (taken.has(index) ? [] : [{ value, path: below(path, index) }]))
  return [
    ...[...pairs].flatMap(([from, to]) => differences(before[from], after[to], below(path, to))),
    ...unpaired(before, new Set(pairs.keys())).map((element) => ({
      op: 'remove' as const,
      path: element.path,
      was: element.value,
    })),
    ...unpaired(after, new Set(pairs.values())).map((element) => ({ op: 'add' as const, ...element })),
  ]
}

/** Indices in `before` and `after` that belong together. Elements without an identity must also stay in their order. */
function pairsOf(before: readonly unknown[], after: readonly unknown[]): Map<number, number> {
  const pairs = new Map<number, number>()
  let next = 0
  for (const [from, element] of before.entries()) {
    const identity = identityOf(element)
    const to = after.findIndex((other, index) =>
      identity === undefined
        ? index >= next && isDeepStrictEqual(element, other)
        : identity === identityOf(other) && ![...pairs.values()].includes(index),
    )
    if (to < 0) continue
    pairs.set(from, to)
    if (identity === undefined) next = to + 1
  }
  return pairs
}

function identityOf(element: unknown): string | undefined {
  if (!isMapping(element)) return undefined
  const key = ['type', 'route', 'name'].find((candidate) => Object.hasOwn(element, candidate))
  return key === undefined ? undefined : JSON.stringify([key, element[key]])
}

/** JSON Pointer. */
const below = (path: string, key: string | number): string =>
  `${path}/${printed(key).replaceAll('~', '~0').replaceAll('/', '~1')}`
