import type { Db } from '../../db/schema.ts'
import { includedRows } from '../kit/included.ts'
import type { Included, View } from '../kit/resource.ts'
import { organizations } from '../organizations/resource.ts'
import { spaces } from '../spaces/resource.ts'

/** Anything that is in a space. */
interface InSpace {
  readonly space_guid: string
}

/** `include=space` */
export function includedSpaces(db: Db, rows: readonly InSpace[], view: View): Promise<Included> {
  return includedRows(db, spaces, { key: 'spaces', guids: spaceGuids(rows), view })
}

/** `include=org`: the organizations of the spaces. */
export async function includedOrganizations(db: Db, rows: readonly InSpace[], view: View): Promise<Included> {
  const found =
    rows.length === 0
      ? []
      : await db.selectFrom('spaces').select('organization_guid').where('guid', 'in', spaceGuids(rows)).execute()
  const guids = found.map((space) => space.organization_guid)
  return includedRows(db, organizations, { key: 'organizations', guids, view })
}

/** `include=space.organization`: both. */
export async function includedSpacesAndOrganizations(
  db: Db,
  rows: readonly InSpace[],
  view: View,
): Promise<Included[]> {
  return [await includedSpaces(db, rows, view), await includedOrganizations(db, rows, view)]
}

const spaceGuids = (rows: readonly InSpace[]): string[] => [...new Set(rows.map((row) => row.space_guid))]
