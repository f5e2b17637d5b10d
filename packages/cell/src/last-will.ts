import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RouterRegistration } from '@vcap/protocol'
import type { Logger } from 'pino'
import { z } from 'zod'

const Will = z.object({ cellId: z.string().min(1), registrations: z.array(RouterRegistration) })
/** A life of the cell that did not say good-bye: its id on the bus, and what routers still believe of its instances. */
export type Will = z.infer<typeof Will>

const fileIn = (directory: string) => join(directory, 'last-will.json')

/**
 * What the next life of the cell has to say for this one, if this one is killed: its id and its routes. Without it the Cloud Controller
 * would take the instances for alive until their heartbeat is half a minute old, and routers would send requests to their ports for two
 * minutes, which other apps may have by then.
 */
export class LastWill {
  readonly #file: string
  readonly #cellId: string
  readonly #logger: Logger
  readonly #registrations = new Map<string, RouterRegistration>()
  #writing: Promise<void> = Promise.resolve()
  #isStale = false

  constructor(directory: string, cellId: string, logger: Logger) {
    this.#file = fileIn(directory)
    this.#cellId = cellId
    this.#logger = logger
  }

  /** Remembers what routers were told of an instance; undefined when it has no routes any more. */
  set(instanceGuid: string, registration: RouterRegistration | undefined): void {
    const known = this.#registrations.get(instanceGuid)
    if (JSON.stringify(known) === JSON.stringify(registration)) return
    if (registration) this.#registrations.set(instanceGuid, registration)
    else this.#registrations.delete(instanceGuid)
    this.write().catch((error: unknown) => this.#logger.error({ err: error }, 'could not write down the routes'))
  }

  /** Resolves when the file says how things are now. Changes that come during a writing are written together after it. */
  write(): Promise<void> {
    if (this.#isStale) return this.#writing
    this.#isStale = true
    const next = this.#writing.catch(() => undefined).then(() => this.#writeNow())
    this.#writing = next
    return next
  }

  /** After the good-bye there is nothing left to say. */
  async drop(): Promise<void> {
    await this.#writing.catch(() => undefined)
    await rm(this.#file, { force: true })
  }

  async #writeNow(): Promise<void> {
    this.#isStale = false
    const will: Will = { cellId: this.#cellId, registrations: [...this.#registrations.values()] }
    await writeFile(`${this.#file}.new`, JSON.stringify(will), { mode: 0o600 })
    await rename(`${this.#file}.new`, this.#file)
  }
}

/** The will of an earlier life that was killed; undefined where there is none, or none that can be read. */
export async function readWill(directory: string, logger: Logger): Promise<Will | undefined> {
  let text: string
  try {
    text = await readFile(fileIn(directory), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    return Will.parse(JSON.parse(text))
  } catch (error) {
    logger.warn({ err: error }, 'what an earlier cell left to say can not be read')
    return undefined
  }
}
