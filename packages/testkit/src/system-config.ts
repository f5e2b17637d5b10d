import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { components, type LoadedConfig, mergeSettings, settlePorts, VcapConfig, type VcapConfigInput } from '@vcap/cli'
import { findNatsServer, startNatsServer } from '@vcap/nats-broker/testing/nats-server'

/** How the system of a test differs from the one that `vcap up` starts out of the box. */
export interface SystemOptions {
  /** Settings of single components, as in the configuration of `vcap up`. */
  components?: VcapConfigInput['components']
}

/** A configuration with free ports in a temporary directory, and what has to be ended when the system has stopped. */
export interface TestConfig {
  config: LoadedConfig
  release(): Promise<void>
}

/**
 * What keeps a slow machine, or one that stands still for a while, from being taken for a dead cell or a lost message, and a test that
 * runs for long from losing its login. A test of deaths and losses says otherwise.
 */
const patience: NonNullable<VcapConfigInput['components']> = {
  controller: {
    dea: { advertisementTimeoutInSeconds: 600, heartbeatTimeoutInSeconds: 600, missingInstanceDelayInSeconds: 60 },
  },
  uaa: { tokens: { accessTokenValidityInSeconds: 86_400 } },
}

const freePorts = { api: 0, router: 0, uaa: 0, logCache: 0, nats: 0 }

/** Whether tests run against a real nats-server (VCAP_TEST_NATS=nats-server) instead of the embedded broker. */
export const usesNatsServer = process.env.VCAP_TEST_NATS === 'nats-server'

export async function testConfig(options: SystemOptions): Promise<TestConfig> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'vcap-test-'))
  const user = { user: 'vcap', password: 'a password for one test' }
  if (usesNatsServer && !findNatsServer())
    throw new Error('VCAP_TEST_NATS=nats-server, and nats-server is not installed')
  const nats = usesNatsServer ? await startNatsServer({ port: 0, ...user }) : undefined
  const config = VcapConfig.parse({
    ports: freePorts,
    ...(nats && { nats: { url: nats.addresses.nats, ...user } }),
    components: mergeSettings(patience, options.components ?? {}),
  })
  return {
    config: await settlePorts({ ...config, dataDirectory }, components),
    release: async () => await nats?.stop(),
  }
}
