import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { removeTree } from '../files/remove-tree.ts'
import { ProcessFamily } from '../processes/process-family.ts'
import type { ProcessTable } from '../processes/process-table.ts'
import type { CellDirectories } from '../work-directory.ts'
import { type GuardedRecord, readRecords } from './instance-records.ts'

/**
 * Ends what an earlier life of this cell left running, and removes its folders. A process is ended only if it carries the
 * guid of a record in its environment, or is in the session of a recorded leader that is the same process still (same pid,
 * start time and boot of the machine): a stranger that has been given an old pid is left alone.
 */
export async function clearOrphans(directories: CellDirectories, table: ProcessTable, logger: Logger): Promise<void> {
  const { records, broken } = await readRecords(directories.records)
  for (const record of records) {
    const family = new ProcessFamily(table, record.guid)
    for (const pid of await survivors(record, table)) family.addLeader(pid)
    const count = await family.count()
    if (count > 0) {
      logger.warn({ guid: record.guid, processes: count }, 'ending processes that an earlier cell left behind')
      await family.kill()
    }
  }
  for (const parent of [directories.instances, directories.staging, directories.stagingFiles, directories.pipes])
    for (const name of await readdir(parent)) await removeTree(join(parent, name))
  for (const { guid } of records) await rm(join(directories.records, `${guid}.json`), { force: true })
  for (const file of broken) await rm(file, { force: true })
}

/** The recorded leaders that are alive and the same processes as then. */
async function survivors(record: GuardedRecord, table: ProcessTable): Promise<number[]> {
  const alive: number[] = []
  for (const { pid, startTime } of record.leaders) {
    const found = await table.find(pid)
    if (!found || found.startTime !== startTime || record.bootId !== table.bootId) continue
    // The environment of an app that has written over its own (setproctitle) tells nothing, and pid, start time and boot do.
    if (found.instanceGuid === undefined || found.instanceGuid === record.guid) alive.push(pid)
  }
  return alive
}
