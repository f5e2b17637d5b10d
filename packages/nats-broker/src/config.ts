import { z } from 'zod'
import {
  DEFAULT_AUTH_TIMEOUT_IN_SECONDS,
  DEFAULT_HOST,
  DEFAULT_MAX_CONNECTIONS,
  DEFAULT_MAX_CONTROL_LINE_IN_BYTES,
  DEFAULT_MAX_PAYLOAD_IN_BYTES,
  DEFAULT_MAX_PENDING_IN_BYTES,
  DEFAULT_MAX_UNANSWERED_PINGS,
  DEFAULT_PING_INTERVAL_IN_SECONDS,
  DEFAULT_PORT,
  DEFAULT_WRITE_DEADLINE_IN_SECONDS,
  MOST_CONTROL_LINE_IN_BYTES,
} from './const.ts'

const seconds = z.number().positive().max(2_000_000) // a Node.js timer holds 2^31 ms

/** Configuration of the embedded NATS broker. Every field has a default; a field that is not known is refused. */
export const NatsBrokerConfig = z
  .strictObject({
    host: z.string().min(1).default(DEFAULT_HOST),
    /** 0 takes any free port; `addresses.nats` tells which. */
    port: z.number().int().min(0).max(65_535).default(DEFAULT_PORT),
    /** With `password`: what every client must present. Without both, every client that reaches the port may join. */
    user: z.string().min(1).optional(),
    password: z.string().min(1).optional(),
    maxPayloadInBytes: z.number().int().min(1).max(DEFAULT_MAX_PENDING_IN_BYTES).default(DEFAULT_MAX_PAYLOAD_IN_BYTES),
    maxControlLineInBytes: z
      .number()
      .int()
      .min(64)
      .max(MOST_CONTROL_LINE_IN_BYTES)
      .default(DEFAULT_MAX_CONTROL_LINE_IN_BYTES),
    maxConnections: z.number().int().min(1).default(DEFAULT_MAX_CONNECTIONS),
    maxPendingInBytes: z.number().int().min(1).default(DEFAULT_MAX_PENDING_IN_BYTES),
    writeDeadlineInSeconds: seconds.default(DEFAULT_WRITE_DEADLINE_IN_SECONDS),
    pingIntervalInSeconds: seconds.default(DEFAULT_PING_INTERVAL_IN_SECONDS),
    maxUnansweredPings: z.number().int().min(1).default(DEFAULT_MAX_UNANSWERED_PINGS),
    authTimeoutInSeconds: seconds.default(DEFAULT_AUTH_TIMEOUT_IN_SECONDS),
  })
  .refine((config) => (config.user === undefined) === (config.password === undefined), {
    message: 'user and password are given together or not at all',
    path: ['password'],
  })
  .refine((config) => config.maxPendingInBytes >= config.maxPayloadInBytes, {
    message: 'must be at least maxPayloadInBytes, or no client could receive the largest message',
    path: ['maxPendingInBytes'],
  })

export type NatsBrokerConfig = z.infer<typeof NatsBrokerConfig>
