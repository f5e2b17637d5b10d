/** The names of the operations as a table of transitions, so that the parser takes one look-up a byte. */

/** What may follow an operation's name. */
type Shape =
  | 'arguments' // a blank, then arguments to the end of the line
  | 'optional blank' // arguments that may follow at once
  | 'ignored' // anything to the end of the line

/**
 * What a client may send. INFO and +OK are a server's, and nats-server accepts them without doing anything.
 * Source: nats-server server/parser.go.
 */
const shapes = {
  PUB: 'arguments',
  HPUB: 'arguments',
  SUB: 'arguments',
  UNSUB: 'arguments',
  '-ERR': 'arguments',
  CONNECT: 'optional blank',
  PING: 'ignored',
  PONG: 'ignored',
  INFO: 'ignored',
  '+OK': 'ignored',
} as const satisfies Record<string, Shape>

export type Operation = keyof typeof shapes
const operations = Object.keys(shapes) as Operation[]

/** Every beginning of a name is a state; its number is its place here. 0 is the empty one: between two operations. */
export const prefixes: readonly string[] = [
  '',
  ...new Set(operations.flatMap((name) => [...name].map((_, i) => name.slice(0, i + 1)))),
]

/** No operation goes on like this. */
export const NO_STATE = 255

/** `[state * 256 + byte]` is the next state, in both cases of the letters. */
export const transitions = new Uint8Array(prefixes.length * 256).fill(NO_STATE)
prefixes.forEach((prefix, state) => {
  if (state === 0) return
  const before = prefixes.indexOf(prefix.slice(0, -1))
  for (const letter of [prefix.slice(-1), prefix.slice(-1).toLowerCase()])
    transitions[before * 256 + letter.charCodeAt(0)] = state
})

/** By state: the operation whose whole name has been read, and what may follow. */
export const complete: readonly ({ readonly operation: Operation; readonly shape: Shape } | undefined)[] = prefixes.map(
  (prefix) => {
    const operation = operations.find((name) => name === prefix)
    return operation && { operation, shape: shapes[operation] }
  },
)
