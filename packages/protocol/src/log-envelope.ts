import { z } from 'zod'

/** Subject on which components publish a `LogBatch`; log-cache reads it. Fire and forget. */
export const logSubject = 'log-cache.envelopes'

/**
 * One loggregator v2 envelope in its JSON form, as log-cache answers it (code.cloudfoundry.org/go-loggregator, loggregator_v2).
 * `timestamp` is nanoseconds since the epoch as decimal text, because JSON numbers can't hold it.
 */
export const LogEnvelope = z.object({
  timestamp: z.string().regex(/^\d+$/),
  /** App guid. */
  source_id: z.string().min(1),
  /** Instance index, or empty. */
  instance_id: z.string().default(''),
  /** `source_type` is what `cf logs` shows: STG, APP/PROC/WEB, CELL, RTR, API. */
  tags: z.record(z.string(), z.string()).default({}),
  /** Base64 of one line without its line end. */
  log: z.object({ payload: z.string(), type: z.enum(['OUT', 'ERR']) }).optional(),
  gauge: z.object({ metrics: z.record(z.string(), z.object({ unit: z.string(), value: z.number() })) }).optional(),
  counter: z.object({ name: z.string(), delta: z.string(), total: z.string() }).optional(),
  timer: z.object({ name: z.string(), start: z.string(), stop: z.string() }).optional(),
  event: z.object({ title: z.string(), body: z.string() }).optional(),
})
export type LogEnvelope = z.infer<typeof LogEnvelope>

export const LogBatch = z.object({ batch: z.array(LogEnvelope) })
export type LogBatch = z.infer<typeof LogBatch>
