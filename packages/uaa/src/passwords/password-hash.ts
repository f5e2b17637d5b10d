import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { serverBusy } from '../errors.ts'

const blockSize = 8
const keyLengthInBytes = 32

/**
 * Hashes and checks passwords with scrypt on libuv's threads, so that the event loop goes on serving.
 * At most two run at once (each takes 128 · N · 8 bytes, and libuv has four threads that signing needs too);
 * beyond `maxWaiting` more, it throws UaaError 503 rather than let a flood of logins pile up.
 */
export class PasswordHasher {
  readonly #cost: number
  readonly #maxRunning = 2
  readonly #maxWaiting: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(cost: number, maxWaiting = 256) {
    this.#cost = cost
    this.#maxWaiting = maxWaiting
  }

  /** `scrypt$N$salt$key`, salt and key in base64. */
  async hash(password: string): Promise<string> {
    const salt = randomBytes(16)
    const key = await this.#derive(password, salt, this.#cost)
    return `scrypt$${this.#cost}$${salt.toString('base64')}$${key.toString('base64')}`
  }

  /** Takes as long for no hash (an unknown user, or one without a password) as for a wrong password. */
  async matches(password: string, hash: string | null): Promise<boolean> {
    const parts = hash?.split('$')
    if (parts?.length !== 4) {
      await this.#derive(password, randomBytes(16), this.#cost)
      return false
    }
    const [, cost = '', salt = '', key = ''] = parts
    const expected = Buffer.from(key, 'base64')
    const actual = await this.#derive(password, Buffer.from(salt, 'base64'), Number(cost))
    return expected.length === actual.length && timingSafeEqual(expected, actual)
  }

  async #derive(password: string, salt: Buffer, cost: number): Promise<Buffer> {
    await this.#enter()
    try {
      return await new Promise<Buffer>((resolve, reject) => {
        const options = { N: cost, r: blockSize, p: 1, maxmem: 256 * cost * blockSize }
        scrypt(password, salt, keyLengthInBytes, options, (error, key) => (error ? reject(error) : resolve(key)))
      })
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#running -= 1
    }
  }

  /** A place that becomes free goes straight to the longest waiting caller. */
  async #enter(): Promise<void> {
    if (this.#running < this.#maxRunning) {
      this.#running += 1
      return
    }
    if (this.#waiting.length >= this.#maxWaiting) throw serverBusy()
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
}
