import { stripVTControlCharacters, styleText } from 'node:util'

type Style = 'green' | 'yellow' | 'red' | 'dim' | 'bold' | 'cyan'

/** What a screen needs of process.stdout. */
export interface Terminal {
  write(text: string): unknown
  isTTY?: boolean
  columns?: number
}

/**
 * Lines for a person. On a terminal it keeps a block of rows at the bottom that change in place, one for each component; lines go
 * above it. Anywhere else, as in a CI log, each change is a line of its own and there is no colour.
 */
export class Screen {
  readonly #terminal: Terminal
  readonly #live: boolean
  readonly #rows = new Map<string, string>()
  #shown = 0

  constructor(terminal: Terminal, environment: NodeJS.ProcessEnv = process.env) {
    this.#terminal = terminal
    this.#live = terminal.isTTY === true && environment.TERM !== 'dumb'
  }

  /** Colours text where colours show. */
  style(style: Style, text: string): string {
    return this.#live && process.env.NO_COLOR === undefined ? styleText(style, text, { validateStream: false }) : text
  }

  /** A line that stays. */
  line(text = ''): void {
    this.#erase()
    this.#terminal.write(`${text}\n`)
    this.#draw()
  }

  /** Sets the row of that name; rows keep the order in which they first came. */
  row(name: string, text: string): void {
    if (!this.#live) {
      this.line(text)
      return
    }
    this.#erase()
    this.#rows.set(name, text)
    this.#draw()
  }

  /** Leaves the rows as they are; the next one begins a new block. */
  endRows(): void {
    this.#rows.clear()
    this.#shown = 0
  }

  #erase(): void {
    if (this.#shown > 0) this.#terminal.write(`\x1b[${this.#shown}A\x1b[0J`)
    this.#shown = 0
  }

  #draw(): void {
    if (this.#rows.size === 0) return
    this.#terminal.write([...this.#rows.values()].map((row) => `${this.#fitted(row)}\n`).join(''))
    this.#shown = this.#rows.size
  }

  /** A row that wrapped would take two lines, and the next erasure would miss one. */
  #fitted(row: string): string {
    // 0 is what a terminal says that was not told its size.
    const width = this.#terminal.columns || 80
    const plain = stripVTControlCharacters(row)
    return plain.length < width ? row : `${plain.slice(0, width - 2)}…`
  }
}
