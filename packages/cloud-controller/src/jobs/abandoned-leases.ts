import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import type { Db } from '../db/schema.ts'

/**
 * Frees what a Cloud Controller of this machine held when it was killed, so that its successor need not wait for the leases to
 * run out: named leases and claimed jobs whose owner's process is gone. Owners of other machines are left alone.
 */
export async function freeAbandonedLeases(db: Db): Promise<void> {
  const leases = await db.selectFrom('leases').select('owner').distinct().execute()
  for (const { owner } of leases) {
    if (isGone(owner)) await db.deleteFrom('leases').where('owner', '=', owner).execute()
  }
  const jobs = await db
    .selectFrom('jobs')
    .select('lease_owner')
    .distinct()
    .where('lease_owner', 'is not', null)
    .$narrowType<{ lease_owner: string }>()
    .execute()
  for (const { lease_owner } of jobs) {
    if (!isGone(lease_owner)) continue
    await db
      .updateTable('jobs')
      .set({ lease_owner: null, lease_until: null })
      .where('lease_owner', '=', lease_owner)
      .execute()
  }
}

/** `<host>:<pid>`, perhaps with more behind: whether it is of this machine and no such process is alive. */
function isGone(owner: string): boolean {
  const [host, pid] = owner.split(':')
  if (host !== hostname() || !pid) return false
  return !isAlive(Number(pid))
}

/** A process that was killed stays known to the system until somebody has asked for its end; such a zombie is as good as gone. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
  return !/^State:\s+[ZX]/m.test(statusOf(pid))
}

/** Empty where the system does not tell. */
function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return ''
  }
}
