import type { Db, Trx } from '../db/schema.ts'
import { featureDisabled } from '../errors/api-error.ts'
import type { Caller } from '../permissions/caller.ts'
import { now } from '../v3/kit/timestamps.ts'

/** Every feature flag and its default (semantics, section 16). */
export const featureFlagDefaults = {
  user_org_creation: false,
  private_domain_creation: true,
  app_bits_upload: true,
  app_scaling: true,
  route_creation: true,
  service_instance_creation: true,
  diego_docker: false,
  diego_cnb: false,
  set_roles_by_username: true,
  unset_roles_by_username: true,
  task_creation: true,
  env_var_visibility: true,
  space_developer_env_var_visibility: true,
  space_scoped_private_broker_creation: true,
  service_instance_sharing: false,
  route_sharing: false,
  hide_marketplace_from_unauthenticated_users: false,
  resource_matching: true,
  hash_based_routing: false,
} as const satisfies Record<string, boolean>

export type FeatureFlagName = keyof typeof featureFlagDefaults

/** Whether the flag is on. */
export async function isFeatureEnabled(db: Db, name: FeatureFlagName): Promise<boolean> {
  const row = await db.selectFrom('feature_flags').select('enabled').where('name', '=', name).executeTakeFirst()
  return row ? row.enabled === 1 : featureFlagDefaults[name]
}

/** Throws 403/330002 when the flag is off, with the operator's own words where there are some. Admins pass. */
export async function requireFeature(db: Db, caller: Caller, name: FeatureFlagName): Promise<void> {
  if (caller.writesGlobally) return
  await requireFeatureOfEveryone(db, name)
}

/** Like `requireFeature`, but binds admins too. */
export async function requireFeatureOfEveryone(db: Db, name: FeatureFlagName): Promise<void> {
  const row = await db.selectFrom('feature_flags').selectAll().where('name', '=', name).executeTakeFirst()
  if (row ? row.enabled === 1 : featureFlagDefaults[name]) return
  throw featureDisabled(row?.custom_error_message ?? name)
}

/** A flag as it stands: the operator's word, or the default without a time. */
export interface FeatureFlag {
  readonly name: FeatureFlagName
  readonly enabled: boolean
  readonly customErrorMessage: string | null
  readonly updatedAt: string | null
}

/** All flags, in the order of their defaults. */
export async function featureFlags(db: Db): Promise<FeatureFlag[]> {
  const rows = await db.selectFrom('feature_flags').selectAll().execute()
  return Object.entries(featureFlagDefaults).map(([name, byDefault]) => {
    const row = rows.find((candidate) => candidate.name === name)
    return {
      name: name as FeatureFlagName,
      enabled: row ? row.enabled === 1 : byDefault,
      customErrorMessage: row?.custom_error_message ?? null,
      updatedAt: row?.updated_at ?? null,
    }
  })
}

/** Keeps the operator's word; what is not said stays as it is. Source: cloud_controller_ng app/actions/feature_flag_update.rb. */
export async function changeFeatureFlag(
  trx: Trx,
  flag: FeatureFlag,
  change: { enabled?: boolean | undefined; customErrorMessage?: string | null | undefined },
): Promise<void> {
  const enabled = change.enabled ?? flag.enabled
  const values = {
    enabled: enabled ? (1 as const) : (0 as const),
    custom_error_message: change.customErrorMessage === undefined ? flag.customErrorMessage : change.customErrorMessage,
    updated_at: now(),
  }
  await trx
    .insertInto('feature_flags')
    .values({ name: flag.name, ...values })
    .onConflict((conflict) => conflict.column('name').doUpdateSet(values))
    .execute()
}
