import { finishDroplet } from '../actions/droplets.ts'
import { finishPackage } from '../actions/packages.ts'
import type { ThreadServices } from '../http/environment.ts'

/** After the deadline of the request that may still be at it (cloud_controller_ng app/jobs/runtime/pending_droplet_cleanup.rb). */
const graceInSeconds = 300

/** Fails the packages and droplets whose upload or copy ended without a word: its thread or process was killed. */
export async function failOverdueTransfers({ db, settings }: ThreadServices): Promise<void> {
  const seconds = settings.threads.uploadDeadlineInSeconds + graceInSeconds
  const horizon = new Date(Date.now() - seconds * 1000).toISOString()
  const overdue = (table: 'packages' | 'droplets') =>
    db
      .selectFrom(table)
      .select('guid')
      .where('state', 'in', ['PROCESSING_UPLOAD', 'COPYING'])
      .where('updated_at', '<', horizon)
      .execute()
  const outcome = { error: 'The upload or copy did not end in time.' }
  for (const { guid } of await overdue('packages'))
    await db.transaction().execute((trx) => finishPackage(trx, guid, outcome, settings))
  for (const { guid } of await overdue('droplets'))
    await db.transaction().execute((trx) => finishDroplet(trx, guid, outcome))
}
