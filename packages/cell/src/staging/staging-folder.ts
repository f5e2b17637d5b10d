import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { removeTree } from '../files/remove-tree.ts'
import { type AppUser, giveTo } from '../run-as.ts'
import type { CellDirectories } from '../work-directory.ts'

/**
 * The folders of one staging task. The cell keeps what holds the others, so that no buildpack can put a link in its way;
 * buildpacks own app, deps, profile.d, cache, home and tmp.
 */
export class StagingFolder {
  /** All that buildpacks can reach. */
  readonly root: string
  /** Becomes the droplet. */
  readonly contents: string
  readonly app: string
  readonly cache: string
  readonly home: string
  /** Custom buildpacks. */
  readonly buildpacks: string
  /** Archives on their way in and out; closed to buildpacks. */
  readonly archives: string
  readonly #user: AppUser | undefined

  constructor(directories: CellDirectories, guid: string, user: AppUser | undefined) {
    this.root = join(directories.staging, guid)
    this.contents = join(this.root, 'contents')
    this.app = join(this.contents, 'app')
    this.cache = join(this.root, 'cache')
    this.home = join(this.root, 'home')
    this.buildpacks = join(this.root, 'buildpacks')
    this.archives = join(directories.stagingFiles, guid)
    this.#user = user
  }

  async make(): Promise<void> {
    await mkdir(this.archives, { mode: 0o700 })
    for (const path of [this.root, this.contents, this.buildpacks]) {
      await mkdir(path)
      // Whatever the cell's umask is.
      await chmod(path, 0o755)
    }
    const theirs = ['contents/app', 'contents/deps', 'contents/profile.d', 'cache', 'home', 'tmp']
    for (const name of theirs) await mkdir(join(this.root, name))
    await giveTo(this.#user, ...theirs.map((name) => join(this.root, name)))
  }

  async remove(): Promise<void> {
    await removeTree(this.root)
    await removeTree(this.archives)
  }
}
