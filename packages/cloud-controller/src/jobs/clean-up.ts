import { failOverdueBuilds } from '../dea/staging-replies.ts'
import type { ThreadServices } from '../http/environment.ts'
import { holdLease, takeTurn } from './lease.ts'
import { pruneOldRows } from './old-rows.ts'
import { failOverdueTransfers } from './overdue-transfers.ts'
import { deleteUnusedBlobs, sweepBlobstore } from './unused-blobs.ts'

const leaseInSeconds = 300
const pruneIntervalInSeconds = 3_600
const sweepIntervalInSeconds = 86_400

/**
 * Ends what hangs and clears away what nobody needs any more; each part is repeatable and does nothing when there is nothing.
 * Of several Cloud Controllers one does it. Job thread. Source: cloud_controller_ng lib/cloud_controller/clock/scheduler.rb.
 */
export async function cleanUp(services: ThreadServices): Promise<void> {
  const { db } = services
  if (!(await holdLease(db, 'clean-up', leaseInSeconds))) return
  await failOverdueBuilds(services)
  await failOverdueTransfers(services)
  await deleteUnusedBlobs(services)
  if (await takeTurn(db, 'prune-old-rows', pruneIntervalInSeconds)) await pruneOldRows(services)
  if (await takeTurn(db, 'sweep-blobstore', sweepIntervalInSeconds)) await sweepBlobstore(services)
}
