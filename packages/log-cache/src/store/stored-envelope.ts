import type { LogEnvelope } from '@vcap/protocol'

/** Values of logcache.v1.EnvelopeType (go-log-cache rpc/logcache_v1/egress.proto), without ANY, by their numbers. */
export const envelopeTypes = ['ANY', 'LOG', 'COUNTER', 'GAUGE', 'TIMER', 'EVENT'] as const
export type EnvelopeType = Exclude<(typeof envelopeTypes)[number], 'ANY'>

/** An envelope as the store keeps it: already in the words in which it will be answered. */
export interface StoredEnvelope {
  /** Nanoseconds since the epoch. */
  readonly timestamp: bigint
  /** Undefined for an envelope without a message. */
  readonly type: EnvelopeType | undefined
  /** The envelope as protobuf JSON. */
  readonly json: string
}

/** Memory that an envelope takes beside its text, about. */
const overheadInBytes = 120

export function sizeInBytes(envelope: StoredEnvelope): number {
  return envelope.json.length + overheadInBytes
}

const largestInt64 = 2n ** 63n - 1n
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const uint64 = /^\d{1,20}$/
const int64 = /^-?\d{1,19}$/

/**
 * Turns an envelope into what a reader gets: all fields of loggregator.v2.Envelope under their own names, one message at most.
 * Undefined for one that a reader's protobuf decoder would refuse, since it would refuse the whole answer with it.
 */
export function toStored(envelope: LogEnvelope): StoredEnvelope | undefined {
  const timestamp = BigInt(envelope.timestamp)
  const message = messageOf(envelope)
  if (timestamp > largestInt64 || message === 'malformed') return undefined
  const json = JSON.stringify({
    timestamp: String(timestamp),
    source_id: envelope.source_id,
    instance_id: envelope.instance_id,
    deprecated_tags: {},
    tags: envelope.tags,
    ...message?.fields,
  })
  return { timestamp, type: message?.type, json }
}

function messageOf({
  log,
  counter,
  gauge,
  timer,
  event,
}: LogEnvelope): { type: EnvelopeType; fields: object } | 'malformed' | undefined {
  if (log) return base64.test(log.payload) ? { type: 'LOG', fields: { log } } : 'malformed'
  if (counter) {
    const isValid = uint64.test(counter.delta) && uint64.test(counter.total)
    return isValid ? { type: 'COUNTER', fields: { counter } } : 'malformed'
  }
  if (gauge) return { type: 'GAUGE', fields: { gauge } }
  if (timer) {
    const isValid = int64.test(timer.start) && int64.test(timer.stop)
    return isValid ? { type: 'TIMER', fields: { timer } } : 'malformed'
  }
  return event ? { type: 'EVENT', fields: { event } } : undefined
}
