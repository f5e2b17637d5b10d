import { readdir, readFile, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import type { ComponentDefinition } from '../component-definition.ts'
import type { DataDirectory } from '../data-directory/data-directory.ts'
import { isAlive, type ProcessIdentity } from '../system/process-identity.ts'
import { killTree } from '../system/process-tree.ts'

const Identity = z.object({ pid: z.number().int().positive(), started: z.string() })

const suffix = '.pid.json'

/** The file that names a component's process, for the next `vcap up` on the data directory. */
export function pidFile(directory: DataDirectory, component: string): string {
  return join(directory.run, `${component}${suffix}`)
}

/**
 * Ends what a killed `vcap up` left behind. Its components stop by themselves when they notice that it is gone, so they get the time that
 * their stop may take; then they are killed. Only for the holder of the data directory's lock.
 */
export async function endLeftovers(
  directory: DataDirectory,
  components: readonly ComponentDefinition[],
  say: (text: string) => void,
): Promise<void> {
  const found = (await readdir(directory.run)).filter((name) => name.endsWith(suffix))
  await Promise.all(
    found.map(async (name) => {
      const file = join(directory.run, name)
      const identity = await readIdentity(file)
      const component = basename(name, suffix)
      const stopLimitInMs = components.find((each) => each.name === component)?.stopLimitInMs ?? 0
      if (identity) await end(identity, component, stopLimitInMs + 1_000, say)
      await rm(file, { force: true })
    }),
  )
}

async function end(
  identity: ProcessIdentity,
  component: string,
  patienceInMs: number,
  say: (text: string) => void,
): Promise<void> {
  if (!isAlive(identity)) return
  say(`waiting for ${component} of an earlier run to stop (process ${identity.pid})`)
  if (await isGoneWithin(identity, patienceInMs)) return
  say(`${component} of an earlier run did not stop and is killed (process ${identity.pid})`)
  killTree(identity.pid)
  if (!(await isGoneWithin(identity, 5_000)))
    throw new Error(`process ${identity.pid}, ${component} of an earlier run, can't be killed`)
}

async function isGoneWithin(identity: ProcessIdentity, limitInMs: number): Promise<boolean> {
  const deadline = performance.now() + limitInMs
  while (isAlive(identity)) {
    if (performance.now() > deadline) return false
    await delay(50)
  }
  return true
}

/** A file cut off by a crash of the machine names no process of this boot. */
async function readIdentity(file: string): Promise<ProcessIdentity | undefined> {
  try {
    return Identity.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch {
    return undefined
  }
}
