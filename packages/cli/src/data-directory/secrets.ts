import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { describeIssues } from '../config/issues.ts'
import { UserError } from '../user-error.ts'
import { type DataDirectory, writePrivateFile } from './data-directory.ts'

const secret = () =>
  z
    .string()
    .min(1)
    .default(() => randomBytes(32).toString('base64url'))

/** What the components share and nobody types. A key that is missing, as after an update, is made then. */
export const Secrets = z.looseObject({
  /** 32 bytes in base64: encrypts environment variables and credentials in the database, which are lost without it. */
  databaseEncryptionKey: z
    .base64()
    .min(1)
    .default(() => randomBytes(32).toString('base64')),
  stagingPassword: secret(),
  natsPassword: secret(),
  /** Secret of the UAA client as which the controller looks up users. */
  controllerClientSecret: secret(),
})
export type Secrets = z.output<typeof Secrets>

/**
 * The secrets of a data directory, made at its first start and kept. A damaged file is never replaced, since that would make the
 * encrypted columns of the database unreadable for good: UserError.
 */
export async function loadSecrets(directory: DataDirectory): Promise<Secrets> {
  const stored = await readStored(directory.secretsFile)
  const parsed = Secrets.safeParse(stored ?? {})
  if (!parsed.success)
    throw new UserError(`${directory.secretsFile} is damaged:\n${describeIssues(parsed.error)}\n${restoreHint}`)
  const text = `${JSON.stringify(parsed.data, null, 2)}\n`
  if (JSON.stringify(stored) !== JSON.stringify(parsed.data)) await writePrivateFile(directory.secretsFile, text)
  return parsed.data
}

const restoreHint =
  'Restore it from a backup. It holds the key of the database: without it environment variables and credentials are lost.'

async function readStored(file: string): Promise<unknown> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw new UserError(`${file} can't be read: ${error instanceof Error ? error.message : error}`, 1, { cause: error })
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UserError(`${file} is damaged: it is not JSON. ${restoreHint}`, 1, { cause: error })
  }
}
