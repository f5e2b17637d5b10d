import type { z } from 'zod'
import type { Db, Tables } from '../../db/schema.ts'
import type { RequestContext } from '../../http/environment.ts'
import type { links as linksField } from './answer-fields.ts'
import { loadMetadata, type MetadataView } from './metadata.ts'
import { type Link, noMetadata, type Resource, type ResourceRow, type View } from './resource.ts'
import { wireTime } from './timestamps.ts'

/** Who looks in this request. */
export function viewOf(c: RequestContext, kind: View['kind']): View {
  return { caller: c.var.caller, settings: c.var.settings, userDirectory: c.var.userDirectory, kind }
}

/** One row as the client sees it. */
export async function presented<TB extends keyof Tables, R extends ResourceRow, E>(
  c: RequestContext,
  resource: Resource<TB, R, E>,
  row: R,
): Promise<Record<string, unknown>> {
  const [body] = await presentAll(c.var.db, resource, [row], viewOf(c, 'show'))
  if (!body) throw new Error(`nothing was presented for ${resource.singular} ${row.guid}`)
  return body
}

/** Rows as the client sees them, with a constant number of statements for metadata and what the resource loads. */
export async function presentAll<TB extends keyof Tables, R extends ResourceRow, E>(
  db: Db,
  resource: Resource<TB, R, E>,
  rows: readonly R[],
  view: View,
): Promise<Array<Record<string, unknown>>> {
  if (rows.length === 0) return []
  const metadata = resource.hasMetadata
    ? await loadMetadata(
        db,
        resource.type,
        rows.map((row) => row.guid),
      )
    : undefined
  const loaded = (await resource.load?.(db, rows, view)) as E
  return rows.map((row) => presentRow(resource, row, loaded, metadata?.get(row.guid), view))
}

function presentRow<TB extends keyof Tables, R extends ResourceRow, E>(
  resource: Resource<TB, R, E>,
  row: R,
  loaded: E,
  metadata: MetadataView | undefined,
  view: View,
): Record<string, unknown> {
  const { fields, links = {} } = resource.present(row, loaded, view)
  return {
    guid: row.guid,
    created_at: wireTime(row.created_at),
    updated_at: wireTime(row.updated_at),
    ...fields,
    ...(resource.hasMetadata && { metadata: metadata ?? noMetadata }),
    links: presentLinks(view.settings.externalUrl, { self: `${resource.path}/${row.guid}`, ...links }),
  }
}

/** Paths become absolute; links that are null are left out. */
export function presentLinks(externalUrl: string, links: Readonly<Record<string, Link>>): z.input<typeof linksField> {
  return Object.fromEntries(
    Object.entries(links).flatMap(([name, link]) => {
      if (link === null) return []
      if (typeof link === 'string') return [[name, { href: `${externalUrl}${link}` }]]
      const { path, ...rest } = link
      return [[name, { href: `${externalUrl}${path}`, ...rest }]]
    }),
  )
}
