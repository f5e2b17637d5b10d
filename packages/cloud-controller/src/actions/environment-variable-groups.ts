import type { Settings } from '../config.ts'
import type { Row, Trx } from '../db/schema.ts'
import { openVariables, sealVariables } from '../dea/sealed-variables.ts'
import { mergedVariables } from '../v3/kit/environment-variables.ts'
import { now } from '../v3/kit/timestamps.ts'

/**
 * Merges variables into a group; null removes one. Running apps see them after a restart, staging in the next build.
 * Source: cloud_controller_ng app/actions/environment_variable_group_update.rb.
 */
export async function changeEnvironmentVariableGroup(
  trx: Trx,
  settings: Settings,
  name: Row<'environment_variable_groups'>['name'],
  changes: Readonly<Record<string, string | null>>,
): Promise<void> {
  // A write first, so that of two changes at once none is lost.
  const group = await trx
    .updateTable('environment_variable_groups')
    .set({ updated_at: now() })
    .where('name', '=', name)
    .returning('sealed_variables')
    .executeTakeFirstOrThrow()
  const merged = mergedVariables(openVariables(settings, group.sealed_variables), changes)
  await trx
    .updateTable('environment_variable_groups')
    .set({ sealed_variables: sealVariables(settings, merged) })
    .where('name', '=', name)
    .execute()
}
