import type { Msg } from '@nats-io/transport-node'
import { LogEnvelope, logSubject } from '@vcap/protocol'
import { joinBus } from '@vcap/protocol/bus'
import type { Logger } from 'pino'
import { z } from 'zod'
import type { LogCacheConfig } from '../config.ts'
import type { EnvelopeStore } from '../store/envelope-store.ts'
import { toStored } from '../store/stored-envelope.ts'

const Batch = z.object({ batch: z.array(z.unknown()) })

/**
 * Subscribes to the envelopes of all components and puts them into the store. Resolves when the server has the subscription; waits for
 * a server that is not there yet. No queue group: each log-cache holds all.
 */
export async function receiveEnvelopes(
  nats: LogCacheConfig['nats'],
  store: EnvelopeStore,
  logger: Logger,
): Promise<{ stop(): Promise<void> }> {
  const connection = await joinBus(nats, { name: 'log-cache', logger })
  connection.subscribe(logSubject, {
    callback: (error, msg) => {
      if (error) logger.error({ err: error }, 'subscription failed')
      else receive(msg, store, logger)
    },
  })
  await connection.flush()
  const watching = logOutages()
  return {
    stop: async () => {
      await connection.close()
      await watching
    },
  }

  async function logOutages(): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type === 'disconnect') logger.warn('lost NATS, envelopes sent meanwhile are lost')
      else if (type === 'reconnect') logger.info('NATS is back')
    }
  }
}

function receive(msg: Msg, store: EnvelopeStore, logger: Logger): void {
  let envelopes: readonly unknown[]
  try {
    envelopes = Batch.parse(msg.json()).batch
  } catch (error) {
    logger.warn({ err: error }, 'not a batch of envelopes')
    return
  }
  for (const candidate of envelopes) {
    const envelope = LogEnvelope.safeParse(candidate)
    const stored = envelope.success ? toStored(envelope.data) : undefined
    if (envelope.success && stored) store.put(envelope.data.source_id, stored)
    // One bad envelope does not take its neighbours with it.
    else logger.warn({ err: envelope.error }, 'not an envelope')
  }
}
