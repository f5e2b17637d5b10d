import { sql } from 'kysely'
import { z } from 'zod'
import type { Db, Trx } from '../../db/schema.ts'
import { apiError } from '../../errors/api-error.ts'
import { joinedKey, keyFault, splitKey, valueFault } from './label-rules.ts'
import { printed } from './words.ts'

export interface MetadataMessage {
  readonly labels?: Readonly<Record<string, string | null>>
  readonly annotations?: Readonly<Record<string, string | null>>
}

const entries = z.record(z.string(), z.string())

export const Metadata = z.object({ labels: entries, annotations: entries }).meta({ id: 'Metadata' })
export type MetadataView = Readonly<z.output<typeof Metadata>>

const maximumAnnotationLength = 5000
const maximumLabels = 50
const maximumAnnotations = 200

const entriesSchema = { type: 'object', additionalProperties: { type: ['string', 'null'] } } as const

/** `metadata` of a body: a null value removes the key. The faults are in CC's words (semantics, section 5). */
export const metadataField = z
  .unknown()
  .transform((value, context): MetadataMessage => {
    const fault = (text: string): void => {
      context.addIssue({ code: 'custom', message: `Metadata ${text}` })
    }
    if (!isObject(value)) {
      fault('must be an object')
      return z.NEVER
    }
    const unexpected = Object.keys(value).filter((key) => key !== 'labels' && key !== 'annotations')
    if (unexpected.length > 0) fault(`has unexpected field(s): ${unexpected.map((key) => `'${key}'`).join(' ')}`)
    return {
      ...(value.labels !== undefined && { labels: labels(value.labels, fault) }),
      ...(value.annotations !== undefined && { annotations: annotations(value.annotations, fault) }),
    }
  })
  .meta({
    id: 'MetadataUpdate',
    type: 'object',
    properties: { labels: entriesSchema, annotations: entriesSchema },
    additionalProperties: false,
  })

function labels(value: unknown, fault: (text: string) => void): Record<string, string | null> {
  if (!isObject(value)) {
    fault("'labels' is not an object")
    return {}
  }
  for (const [key, label] of Object.entries(value)) {
    const keyProblem = keyFault(key)
    if (keyProblem) fault(`label key error: ${keyProblem}`)
    const valueProblem = label === null ? undefined : valueFault(printed(label))
    if (valueProblem) fault(`label value error: ${valueProblem}`)
  }
  return Object.fromEntries(Object.entries(value).map(([key, label]) => [key, label === null ? null : printed(label)]))
}

function annotations(value: unknown, fault: (text: string) => void): Record<string, string | null> {
  if (!isObject(value)) {
    fault("'annotations' is not an object")
    return {}
  }
  for (const [key, annotation] of Object.entries(value)) {
    if (annotation === null) continue
    const keyProblem = keyFault(key)
    if (keyProblem) fault(`annotation key error: ${keyProblem}`)
    const text = printed(annotation)
    if (text.length > maximumAnnotationLength)
      fault(`annotation value error: '${text.slice(0, 8)}...' is greater than ${maximumAnnotationLength} characters`)
  }
  return Object.fromEntries(Object.entries(value).map(([key, text]) => [key, text === null ? null : printed(text)]))
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Merges labels and annotations into what the resource has. Throws 390020 or 390023 beyond 50 labels or 200 annotations. */
export async function saveMetadata(
  trx: Trx,
  resource: { type: string; guid: string },
  message: MetadataMessage | undefined,
): Promise<void> {
  if (message?.labels) await merge(trx, 'labels', resource, message.labels)
  if (message?.annotations) await merge(trx, 'annotations', resource, message.annotations)
}

const limits = {
  labels: { maximum: maximumLabels, error: 'LabelLimitExceeded' },
  annotations: { maximum: maximumAnnotations, error: 'AnnotationLimitExceeded' },
} as const

async function merge(
  trx: Trx,
  table: 'labels' | 'annotations',
  { type, guid }: { type: string; guid: string },
  entries: Readonly<Record<string, string | null>>,
): Promise<void> {
  const before = await trx
    .selectFrom(table)
    .select(['id', 'key_prefix', 'key_name'])
    .where('resource_type', '=', type)
    .where('resource_guid', '=', guid)
    .execute()
  const replaced = before.filter(({ key_prefix, key_name }) => Object.hasOwn(entries, joinedKey(key_prefix, key_name)))
  const rows = Object.entries(entries).flatMap(([key, value]) => {
    const { prefix, name } = splitKey(key)
    return value === null
      ? []
      : [{ resource_type: type, resource_guid: guid, key_prefix: prefix, key_name: name, value }]
  })
  // Before anything is written: a statement does not take as many rows as a body may have.
  const { maximum, error } = limits[table]
  if (rows.length > 0 && before.length - replaced.length + rows.length > maximum)
    throw apiError(error, rows.length, maximum)
  if (replaced.length > 0) {
    const ids = replaced.map(({ id }) => id)
    await trx.deleteFrom(table).where('id', 'in', ids).execute()
  }
  if (rows.length > 0) await trx.insertInto(table).values(rows).execute()
}

/** Removes everything that was noted on the resources. */
export async function deleteMetadata(trx: Trx, type: string, guids: readonly string[]): Promise<void> {
  if (guids.length === 0) return
  for (const table of ['labels', 'annotations'] as const) {
    await trx.deleteFrom(table).where('resource_type', '=', type).where('resource_guid', 'in', guids).execute()
  }
}

/** Labels and annotations of many resources, by one statement. */
export async function loadMetadata(
  db: Db,
  type: string,
  guids: readonly string[],
): Promise<ReadonlyMap<string, MetadataView>> {
  const views = new Map<string, MetadataView>(guids.map((guid) => [guid, { labels: {}, annotations: {} }]))
  if (guids.length === 0) return views
  const entries = await entriesOf(db, 'labels', type, guids)
    .unionAll(entriesOf(db, 'annotations', type, guids))
    .orderBy('id')
    .execute()
  for (const { kind, resource_guid, key_prefix, key_name, value } of entries) {
    const view = views.get(resource_guid)
    if (view) view[kind][joinedKey(key_prefix, key_name)] = value
  }
  return views
}

type Kind = 'labels' | 'annotations'

function entriesOf(db: Db, kind: Kind, type: string, guids: readonly string[]) {
  return db
    .selectFrom(kind)
    .select(['id', 'resource_guid', 'key_prefix', 'key_name', 'value', sql.lit<Kind>(kind).as('kind')])
    .where('resource_type', '=', type)
    .where('resource_guid', 'in', guids)
}
