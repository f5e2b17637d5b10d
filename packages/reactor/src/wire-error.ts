import * as ours from './errors.ts'

/**
 * How an error crosses threads. Structured clone keeps only the message and stack of the built-in classes, so the class,
 * the code, the cause and the fields go beside them.
 */
export interface WireError {
  readonly class: string
  readonly name: string
  readonly message: string
  readonly stack: string
  readonly fields: Readonly<Record<string, unknown>>
  readonly cause?: Wire
  readonly errors?: readonly Wire[]
}
/** Whatever was thrown: an error, or another value. */
export type Wire = { readonly error: WireError } | { readonly value: unknown }

interface ErrorClass {
  readonly name: string
  readonly prototype: Error
}
interface Registered {
  readonly prototype: Error
  readonly revive?: (wire: WireError) => Error
}

const registered = new Map<string, Registered>()

/**
 * Makes errors of this class arrive as this class in other threads. To be called on both sides, under the same name.
 *
 * The class's constructor does not run: message, stack, cause and own enumerable fields are put on an object of its prototype.
 * A class with private fields gives `revive`. Throws if another class is already registered under the name.
 */
export function registerErrorClass(
  errorClass: ErrorClass,
  options: { readonly name?: string; readonly revive?: (wire: WireError) => Error } = {},
): void {
  const name = options.name ?? errorClass.name
  const known = registered.get(name)
  if (known && known.prototype !== errorClass.prototype) throw new Error(`two error classes are named '${name}'`)
  registered.set(name, {
    prototype: errorClass.prototype,
    ...(options.revive ? { revive: options.revive } : {}),
  })
}

for (const builtIn of [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError, AggregateError])
  registerErrorClass(builtIn)
for (const own of Object.values(ours)) registerErrorClass(own)

/** Deeper causes are cut off, so that a cycle ends. */
const maximumDepth = 8

/** The wire form of anything that was thrown. Never throws; what can't be cloned becomes text. */
export function toWire(thrown: unknown, depth = 0): Wire {
  if (!(thrown instanceof Error)) return { value: cloneable(thrown) }
  const fields: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(thrown)) {
    if (key !== 'cause' && key !== 'stack' && key !== 'message' && key !== 'errors') fields[key] = cloneable(value)
  }
  // DOMException and some of Node.js's own errors hold their code on the prototype.
  if (!('code' in fields) && 'code' in thrown) fields.code = cloneable(thrown.code)
  const deeper = depth < maximumDepth
  const nested =
    thrown instanceof AggregateError && deeper ? thrown.errors.map((each) => toWire(each, depth + 1)) : null
  return {
    error: {
      class: classOf(thrown),
      name: String(thrown.name),
      message: String(thrown.message),
      stack: String(thrown.stack ?? ''),
      fields,
      ...(thrown.cause !== undefined && deeper ? { cause: toWire(thrown.cause, depth + 1) } : {}),
      ...(nested ? { errors: nested } : {}),
    },
  }
}

/** What was thrown on the other side: same class if it is registered here, else its nearest registered ancestor's or Error, with its name kept. */
export function fromWire(wire: Wire): unknown {
  if ('value' in wire) return wire.value
  const { error } = wire
  const known = registered.get(error.class)
  const revived = known?.revive ? known.revive(error) : create(known?.prototype ?? Error.prototype, error)
  if (error.stack !== '') hidden(revived, 'stack', error.stack)
  return revived
}

function create(prototype: Error, wire: WireError): Error {
  const error = new Error(wire.message)
  Object.setPrototypeOf(error, prototype)
  if (error.name !== wire.name) hidden(error, 'name', wire.name)
  if (wire.cause) hidden(error, 'cause', fromWire(wire.cause))
  if (wire.errors) hidden(error, 'errors', wire.errors.map(fromWire))
  for (const [key, value] of Object.entries(wire.fields)) {
    // A field that the class only has a getter for is the class's own business.
    const inherited = Reflect.has(prototype, key) && !(key in Error.prototype)
    if (!inherited || key === 'name') Object.defineProperty(error, key, field(value))
  }
  return error
}

function field(value: unknown): PropertyDescriptor {
  return { value, writable: true, configurable: true, enumerable: true }
}

function hidden(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, writable: true, configurable: true, enumerable: false })
}

/** The most derived class that is registered under its own name, so that a private subclass arrives as its public parent. */
function classOf(error: Error): string {
  for (let at = Object.getPrototypeOf(error); at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const [name, known] of registered) if (known.prototype === at) return name
  }
  return 'Error'
}

function cloneable(value: unknown): unknown {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol'))
    return value
  if (value instanceof Error) return `${value.name}: ${value.message}`
  try {
    return structuredClone(value)
  } catch {
    return String(value)
  }
}
