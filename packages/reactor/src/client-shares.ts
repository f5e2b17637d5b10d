/** How many threads each client holds, and whether it may have one more. */
export class ClientShares {
  readonly #held = new Map<string, number>()
  readonly #limit: number

  constructor(threads: number, share: number) {
    this.#limit = Math.max(1, Math.floor(threads * share))
  }

  readonly mayHaveOneMore = (client: string): boolean => (this.#held.get(client) ?? 0) < this.#limit

  take(client: string): void {
    this.#held.set(client, (this.#held.get(client) ?? 0) + 1)
  }

  giveBack(client: string): void {
    const left = (this.#held.get(client) ?? 0) - 1
    if (left > 0) this.#held.set(client, left)
    else this.#held.delete(client)
  }
}
