import { chmod, mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../user-error.ts'

/** Where things lie below the data directory. */
export interface DataDirectory {
  root: string
  /** Each component's configuration and process number, rewritten at every start. */
  run: string
  logs: string
  secretsFile: string
  lockFile: string
  /** Who holds the lock, for the message to whoever doesn't get it. */
  ownerFile: string
  of(component: string): string
}

/** Where things lie, or would lie. Makes nothing. */
export function dataDirectoryAt(root: string): DataDirectory {
  return {
    root,
    run: join(root, 'run'),
    logs: join(root, 'logs'),
    secretsFile: join(root, 'secrets.json'),
    lockFile: join(root, 'lock.db'),
    ownerFile: join(root, 'run', 'vcap-up.json'),
    of: (component) => join(root, component),
  }
}

/**
 * Makes the data directory, or puts its modes right. Files in it are for their owner alone. Started as root, the directory itself
 * may be passed through (0711), since the cell runs apps as another user in a folder below it; nobody can list it.
 */
export async function openDataDirectory(root: string): Promise<DataDirectory> {
  const directory = dataDirectoryAt(root)
  try {
    await privateDirectory(root, process.getuid?.() === 0 ? 0o711 : 0o700)
    // Made here and not by the components, so that apps never see into them, not even when their user may pass the root.
    const ours = [directory.run, directory.logs, directory.of('controller'), directory.of('uaa')]
    await Promise.all(ours.map((path) => privateDirectory(path, 0o700)))
  } catch (error) {
    throw new UserError(
      `The data directory ${root} can't be used: ${error instanceof Error ? error.message : error}. Choose another: --data-dir DIR`,
      1,
      { cause: error },
    )
  }
  return directory
}

async function privateDirectory(path: string, mode: number): Promise<void> {
  await mkdir(path, { recursive: true, mode })
  await chmod(path, mode)
}

/** Writes a file that only its owner may read, whole or not at all: a crash leaves the old one. */
export async function writePrivateFile(file: string, text: string): Promise<void> {
  const partial = `${file}.${process.pid}.partial`
  await writeFile(partial, text, { mode: 0o600, flush: true })
  await rename(partial, file)
}
