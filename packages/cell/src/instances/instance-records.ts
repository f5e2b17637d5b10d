import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

const GuardedRecord = z.object({
  guid: z.string().regex(/^[0-9a-f-]{32,40}$/),
  directory: z.string(),
  bootId: z.string(),
  leaders: z.array(z.object({ pid: z.number().int().min(2), startTime: z.string() })),
})
/** What the next life of the cell must know to clear up after this one: one file for each instance and staging task. */
export type GuardedRecord = z.infer<typeof GuardedRecord>

/** Writes the record so that a reader sees either the old or the new one, also after a crash. */
export async function writeRecord(directory: string, record: GuardedRecord): Promise<void> {
  const file = join(directory, `${record.guid}.json`)
  await writeFile(`${file}.new`, JSON.stringify(record), { mode: 0o600 })
  await rename(`${file}.new`, file)
}

export async function removeRecord(directory: string, guid: string): Promise<void> {
  await rm(join(directory, `${guid}.json`), { force: true })
}

/** The records of an earlier life, and the files that hold no valid one. */
export async function readRecords(directory: string): Promise<{ records: GuardedRecord[]; broken: string[] }> {
  const records: GuardedRecord[] = []
  const broken: string[] = []
  for (const name of await readdir(directory)) {
    const file = join(directory, name)
    const parsed = name.endsWith('.json') ? GuardedRecord.safeParse(parseJson(await readFile(file, 'utf8'))) : undefined
    if (parsed?.success) records.push(parsed.data)
    else broken.push(file)
  }
  return { records, broken }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
