import { createHash, timingSafeEqual } from 'node:crypto'

/** The one user and password that the broker asks for. */
export class Credentials {
  readonly #expected: Buffer

  constructor(user: string, password: string) {
    this.#expected = digest(user, password)
  }

  /** Compares digests in constant time, so that the time of an answer says nothing about how much was right. */
  admit(user: string | undefined, password: string | undefined): boolean {
    return timingSafeEqual(this.#expected, digest(user ?? '', password ?? ''))
  }
}

/** JSON keeps the two apart: ["a","bc"] and ["ab","c"] differ. */
const digest = (user: string, password: string) =>
  createHash('sha256')
    .update(JSON.stringify([user, password]))
    .digest()
