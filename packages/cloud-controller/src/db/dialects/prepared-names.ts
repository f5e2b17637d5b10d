/** Each costs the server some ten kilobytes a connection. What lists ask for has many forms; those beyond are parsed each time. */
const limit = 200

/** Under which names a connection's server keeps statements parsed and planned, which is half of what a short one costs it. */
export class PreparedNames {
  readonly #names = new Map<string, string>()
  #sequence = 0

  /** Undefined for a statement that is not to be kept. */
  nameOf(text: string): string | undefined {
    const known = this.#names.get(text)
    if (known !== undefined || this.#names.size >= limit) return known
    return this.renew(text)
  }

  /** Gives the statement a new name, so that it is parsed anew. */
  renew(text: string): string {
    const name = `statement-${++this.#sequence}`
    this.#names.set(text, name)
    return name
  }
}
