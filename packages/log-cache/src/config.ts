import { z } from 'zod'

const MiB = 1024 * 1024

/** Everything log-cache can be told. */
export const LogCacheConfig = z.strictObject({
  host: z.string().default('127.0.0.1'),
  /** 0 takes a free port. */
  port: z.number().int().min(0).max(65_535).default(8183),
  nats: z
    .strictObject({ url: z.string(), user: z.string().optional(), password: z.string().optional() })
    .default({ url: 'nats://127.0.0.1:4222' }),
  /** Its /token_keys verify the tokens of readers. */
  uaaUrl: z.url().default('http://127.0.0.1:8182'),
  /** Says whose logs a reader may see. */
  cloudControllerUrl: z.url().default('http://127.0.0.1:8181'),

  /** Envelopes kept for one source; the oldest go first. */
  maxEnvelopesPerSource: z.number().int().positive().default(10_000),
  /** Bytes kept for one source. */
  maxBytesPerSource: z
    .number()
    .int()
    .positive()
    .default(8 * MiB),
  /** Bytes kept for all sources; the source that was longest neither written nor read goes first. */
  maxBytesInTotal: z
    .number()
    .int()
    .positive()
    .default(64 * MiB),

  /** How long the Cloud Controller's yes to one reader for one source holds. */
  accessGrantedInSeconds: z.number().min(0).default(60),
  /** How long its no holds: short, because `cf push` creates an app and reads its log at once. */
  accessDeniedInSeconds: z.number().min(0).default(1),
  /** After the token keys were fetched, how long no token, however wrong, makes them be fetched again. */
  tokenKeyCooldownInSeconds: z.number().min(0).default(5),
  /** Longest wait for UAA or the Cloud Controller. */
  upstreamTimeoutInSeconds: z.number().positive().default(10),
})
export type LogCacheConfig = z.output<typeof LogCacheConfig>
