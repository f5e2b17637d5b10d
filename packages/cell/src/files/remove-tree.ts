import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Removes a folder and all in it, also folders that their owner has closed to writing (Go's module cache does). */
export async function removeTree(path: string): Promise<void> {
  const options = { recursive: true, force: true, maxRetries: 3, retryDelay: 50 }
  try {
    await rm(path, options)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EACCES' && code !== 'EPERM') throw error
    await run('chmod', ['-R', 'u+rwX', path])
    await rm(path, options)
  }
}
