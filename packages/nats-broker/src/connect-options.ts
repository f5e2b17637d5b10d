import { z } from 'zod'
import { ProtocolViolation, protocolErrors } from './errors.ts'

/** A field that nats-server reads as absent when it is null. */
const optional = <T extends z.ZodType>(type: T) => type.nullish().transform((value) => value ?? undefined)

/** The options of CONNECT that the broker acts on; all others (lang, version, jwt, …) are ignored. */
const ConnectMessage = z
  .object({
    verbose: optional(z.boolean()),
    pedantic: optional(z.boolean()),
    echo: optional(z.boolean()),
    headers: optional(z.boolean()),
    no_responders: optional(z.boolean()),
    protocol: optional(z.number()),
    user: optional(z.string()),
    pass: optional(z.string()),
    /** What the client calls itself; for the log. */
    name: optional(z.string()),
  })
  .nullable()

export interface ConnectOptions {
  readonly verbose: boolean
  readonly pedantic: boolean
  readonly echo: boolean
  readonly headers: boolean
  readonly noResponders: boolean
  readonly user: string | undefined
  readonly password: string | undefined
  readonly name: string | undefined
}

/** What holds for a connection before its CONNECT, and for what CONNECT leaves out. Source: nats-server server/client.go, defaultOpts. */
export const defaultConnectOptions: ConnectOptions = {
  verbose: true,
  pedantic: true,
  echo: true,
  headers: false,
  noResponders: false,
  user: undefined,
  password: undefined,
  name: undefined,
}

/**
 * Reads the JSON text of a CONNECT over the options that hold so far: a client may send CONNECT again and change some of them.
 * Throws ProtocolViolation for anything but an object with fields of the right type, and for options that exclude each other.
 */
export function parseConnect(json: string, current: ConnectOptions): ConnectOptions {
  const message = parseMessage(json)
  if (message === null) return current
  if (message.protocol !== undefined && message.protocol !== 0 && message.protocol !== 1)
    throw new ProtocolViolation(protocolErrors.invalidClientProtocol, `protocol ${message.protocol}`)
  const options: ConnectOptions = {
    verbose: message.verbose ?? current.verbose,
    pedantic: message.pedantic ?? current.pedantic,
    echo: message.echo ?? current.echo,
    headers: message.headers ?? current.headers,
    noResponders: message.no_responders ?? current.noResponders,
    user: message.user ?? current.user,
    password: message.pass ?? current.password,
    name: message.name ?? current.name,
  }
  if (options.noResponders && !options.headers) throw new ProtocolViolation(protocolErrors.noRespondersNeedHeaders)
  return options
}

function parseMessage(json: string): z.infer<typeof ConnectMessage> {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (error) {
    // JSON.parse quotes its input, which may hold a password, so its text stays out of the log.
    throw new ProtocolViolation(
      protocolErrors.parser,
      `CONNECT is not JSON (${error instanceof Error ? error.name : ''})`,
    )
  }
  const parsed = ConnectMessage.safeParse(value)
  if (!parsed.success)
    throw new ProtocolViolation(
      protocolErrors.parser,
      `CONNECT: ${z.prettifyError(parsed.error).replaceAll('\n', ' ')}`,
    )
  return parsed.data
}
