import type { Db, Trx } from '../db/schema.ts'

/** States of a deployment that still changes processes (cloud_controller_ng app/models/runtime/deployment_model.rb). */
const progressingStates = ['DEPLOYING', 'PREPAUSED', 'PAUSED']

/** Whether a deployment of the app is under way, so that others must leave its web process alone. */
export async function isDeploying(db: Db | Trx, appGuid: string): Promise<boolean> {
  const deployment = await db
    .selectFrom('deployments')
    .select('id')
    .where('app_guid', '=', appGuid)
    .where('state', 'in', progressingStates)
    .limit(1)
    .executeTakeFirst()
  return deployment !== undefined
}
