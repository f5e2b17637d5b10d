import { describe } from 'node:test'
import { pino } from 'pino'
import { clientConformance } from './conformance/clients.ts'
import { limitsConformance } from './conformance/limits.ts'
import { routingConformance } from './conformance/routing.ts'
import type { Target } from './conformance/target.ts'
import { wireConformance } from './conformance/wire.ts'
import { startNatsBroker } from './index.ts'
import { findNatsServer, startNatsServer } from './testing/nats-server.ts'

/** One suite for both: what holds for nats-server holds for the embedded broker, and the suite itself is right about nats-server. */
const targets: readonly Target[] = [
  {
    name: 'the embedded broker',
    skip: undefined,
    start: (config = {}) => startNatsBroker({ port: 0, ...config }, { logger: pino({ level: 'silent' }) }),
  },
  {
    name: 'nats-server',
    skip: findNatsServer() ? undefined : 'nats-server is not installed',
    start: startNatsServer,
  },
]

for (const target of targets)
  describe(target.name, { skip: target.skip ?? false }, () => {
    wireConformance(target)
    routingConformance(target)
    limitsConformance(target)
    clientConformance(target)
  })
