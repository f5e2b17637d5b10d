import type { Screen } from '../screen/screen.ts'

/** Tells a person what goes on: chapters with the time that each took, and what happens in them. */
export class Story {
  readonly #screen: Screen
  readonly #begun = performance.now()

  constructor(screen: Screen) {
    this.#screen = screen
  }

  /** A chapter: its title, what it tells meanwhile, and its time. */
  async chapter<T>(title: string, work: () => Promise<T>): Promise<T> {
    const begun = performance.now()
    this.#screen.line(`${this.#screen.style('cyan', '●')} ${this.#screen.style('bold', title)}`)
    const result = await work()
    this.detail(this.#screen.style('dim', `${seconds(begun)}\n`))
    return result
  }

  detail(text: string): void {
    this.#screen.line(`    ${text}`)
  }

  /** Something of the app's own, such as an entry of its log, which may have several lines. */
  quote(text: string): void {
    for (const line of text.trimEnd().split('\n')) this.#screen.line(`    ${this.#screen.style('dim', '│')} ${line}`)
  }

  end(text: string): void {
    this.#screen.line(`${this.#screen.style('green', '✔')} ${text}, in ${seconds(this.#begun)}.`)
  }
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`
}
