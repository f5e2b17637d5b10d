import { open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { ProcessTable } from './processes/process-table.ts'

const Owner = z.object({ pid: z.number(), startTime: z.string(), bootId: z.string() })

/**
 * Makes sure that only one cell uses the data directory: two would take each other's instances for left-overs. A lock whose
 * owner is gone is taken over. Throws, with the owner's pid, if it is alive. Answers how to unlock.
 */
export async function lockDataDirectory(directory: string, table: ProcessTable): Promise<() => Promise<void>> {
  const file = join(directory, 'cell.lock')
  const own = await table.find(process.pid)
  const text = JSON.stringify({ pid: process.pid, startTime: own?.startTime ?? '', bootId: table.bootId })
  for (let attempt = 0; attempt < 5; attempt++) {
    try {
      const lock = await open(file, 'wx', 0o600)
      await lock.writeFile(text)
      await lock.close()
      return () => rm(file, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const owner = await livingOwner(file, table)
    if (owner !== undefined) throw new Error(`${directory} is in use by another cell, process ${owner}`)
    await rm(file, { force: true })
  }
  throw new Error(`could not lock ${file}`)
}

async function livingOwner(file: string, table: ProcessTable): Promise<number | undefined> {
  let content: unknown
  try {
    content = JSON.parse(await readFile(file, 'utf8'))
  } catch {
    // Gone meanwhile, or cut short by the end of its owner.
    return undefined
  }
  const owner = Owner.safeParse(content)
  if (!owner.success || owner.data.bootId !== table.bootId) return undefined
  const found = await table.find(owner.data.pid)
  return found?.startTime === owner.data.startTime ? owner.data.pid : undefined
}
