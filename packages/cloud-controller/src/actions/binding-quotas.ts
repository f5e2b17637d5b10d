import { lockRow } from '../db/lock-row.ts'
import type { Row, Trx } from '../db/schema.ts'
import { deletedMeanwhile } from '../errors/api-error.ts'
import { type QuotaLimits, unlimited } from './quota-limits.ts'

/** An organization or a space, and what limits it. */
export interface Limited {
  readonly guid: string
  readonly name: string
  readonly limits: QuotaLimits
}

export interface LimitsOfSpace {
  /** Unlimited when it has no quota of its own. */
  readonly space: Limited
  readonly organization: Limited
}

/**
 * What limits an organization. Keeps other transactions that ask the same from going on until this one ends, because what is
 * used adds up over many rows: of two that would together use too much, the second sees what the first has taken.
 */
export async function lockLimitsOfOrganization(
  trx: Trx,
  guid: string,
): Promise<Limited & { readonly limits: Pick<Row<'organization_quotas'>, 'total_domains'> }> {
  const organization = await lockRow(trx, 'organizations', guid)
  if (!organization) throw deletedMeanwhile()
  const { name, quota_guid } = organization
  const limits = await trx
    .selectFrom('organization_quotas')
    .selectAll()
    .where('guid', '=', quota_guid)
    .executeTakeFirstOrThrow()
  return { guid, name, limits }
}

/** What limits a space by itself and with its organization, locked as in `lockLimitsOfOrganization`. */
export async function lockLimitsOfSpace(trx: Trx, spaceGuid: string): Promise<LimitsOfSpace> {
  const { name, quota_guid, organization_guid } = await trx
    .selectFrom('spaces')
    .select(['name', 'quota_guid', 'organization_guid'])
    .where('guid', '=', spaceGuid)
    .executeTakeFirstOrThrow(deletedMeanwhile)
  const organization = await lockLimitsOfOrganization(trx, organization_guid)
  const limits =
    quota_guid === null
      ? unlimited
      : await trx.selectFrom('space_quotas').selectAll().where('guid', '=', quota_guid).executeTakeFirstOrThrow()
  return { organization, space: { guid: spaceGuid, name, limits } }
}

/** Whether something may grow to `amount`. */
export const exceeds = (amount: number, limit: number | null): boolean => limit !== null && amount > limit
