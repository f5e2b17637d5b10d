import { resolve } from 'node:path'
import type { z } from 'zod'
import type { ComponentDefinition, ComponentProgram } from './component-definition.ts'
import { describeIssues } from './config/issues.ts'
import { unknownKeys } from './config/unknown-keys.ts'
import { controllerUrl, logCacheUrl, natsConnection, publicUrl, uaaClientId, uaaUrls } from './system-addresses.ts'

/** The system buildpacks that come with the checkout. */
const buildpacksDirectory = resolve(import.meta.dirname, '../../../buildpacks')

/**
 * Every component that `vcap` knows. They are started all at once, in any order.
 *
 * They stop in waves. The router and the controller go first and finish the requests they have, for which everything else must
 * still be there; with the controller gone, nobody takes the end of the apps for a crash. Then the cell ends the apps, whose last
 * words and route withdrawals still find log-cache and NATS.
 */
export const components: readonly ComponentDefinition[] = [
  {
    name: 'nats',
    title: 'message bus',
    async load() {
      const { NatsBrokerConfig, startNatsBroker } = await import('@vcap/nats-broker')
      return program(NatsBrokerConfig, startNatsBroker)
    },
    configFor: ({ config, secrets }) =>
      config.nats
        ? undefined
        : { host: config.host, port: config.ports.nats, user: 'vcap', password: secrets.natsPassword },
    ports: [{ name: 'nats', purpose: 'the message bus' }],
    stopWave: 4,
    stopLimitInMs: 5_000,
  },
  {
    name: 'uaa',
    title: 'users and tokens',
    async load() {
      const { UaaConfig, startUaa } = await import('@vcap/uaa')
      return program(UaaConfig, startUaa)
    },
    configFor: ({ config, directory, secrets }) =>
      config.uaa
        ? undefined
        : {
            host: config.host,
            port: config.ports.uaa,
            externalUrl: publicUrl(config, 'uaa'),
            dataDirectory: directory.of('uaa'),
            admin: config.admin,
            clients: [
              {
                id: uaaClientId,
                secret: secrets.controllerClientSecret,
                authorizedGrantTypes: ['client_credentials'],
                authorities: ['scim.read', 'uaa.resource'],
              },
            ],
          },
    // Without its own client the Cloud Controller could look up nobody.
    listsToAddTo: ['clients'],
    ports: [{ name: 'uaa', purpose: 'UAA' }],
    stopWave: 3,
    stopLimitInMs: 10_000,
  },
  {
    name: 'log-cache',
    title: 'app logs and metrics',
    async load() {
      const { LogCacheConfig, startLogCache } = await import('@vcap/log-cache')
      return program(LogCacheConfig, startLogCache)
    },
    configFor: ({ config, secrets }) => ({
      host: config.host,
      port: config.ports.logCache,
      nats: natsConnection(config, secrets),
      uaaUrl: uaaUrls(config).internal,
      cloudControllerUrl: controllerUrl(config),
    }),
    ports: [{ name: 'logCache', purpose: 'log-cache' }],
    stopWave: 3,
    stopLimitInMs: 10_000,
  },
  {
    name: 'router',
    title: 'HTTP router to the apps',
    async load() {
      const { RouterConfig, startRouter } = await import('@vcap/router')
      return program(RouterConfig, startRouter)
    },
    configFor: ({ config, secrets }) => ({
      host: config.host,
      port: config.ports.router,
      nats: natsConnection(config, secrets),
    }),
    ports: [{ name: 'router', purpose: 'the router, where the apps answer' }],
    stopWave: 1,
    stopLimitInMs: 15_000,
  },
  {
    name: 'controller',
    title: 'Cloud Controller, the API',
    async load() {
      const { CloudControllerConfig, startCloudController } = await import('@vcap/cloud-controller')
      return program(CloudControllerConfig, startCloudController)
    },
    configFor: ({ config, directory, secrets }) => ({
      host: config.host,
      port: config.ports.api,
      externalUrl: publicUrl(config, 'api'),
      internalUrl: controllerUrl(config),
      dataDirectory: directory.of('controller'),
      ...(config.databaseUrl !== undefined && { databaseUrl: config.databaseUrl }),
      nats: natsConnection(config, secrets),
      uaa: {
        url: uaaUrls(config).external,
        internalUrl: uaaUrls(config).internal,
        clientId: config.uaa?.clientId ?? uaaClientId,
        clientSecret: config.uaa?.clientSecret ?? secrets.controllerClientSecret,
      },
      logCacheUrl: logCacheUrl(config),
      appsDomains: config.appsDomains,
      stagingAuth: { username: 'staging', password: secrets.stagingPassword },
      buildpacksDirectory,
      encryptionKeys: { current: 'key-1', keys: { 'key-1': secrets.databaseEncryptionKey } },
    }),
    ports: [{ name: 'api', purpose: "the Cloud Controller's API" }],
    stopWave: 1,
    stopLimitInMs: 20_000,
  },
  {
    name: 'cell',
    title: 'stages and runs the apps',
    async load() {
      const { CellConfig, startCell } = await import('@vcap/cell')
      return program(CellConfig, startCell)
    },
    configFor: ({ config, directory, secrets }) => ({
      nats: natsConnection(config, secrets),
      dataDirectory: directory.of('cell'),
    }),
    ports: [],
    stopWave: 2,
    // An app has ten seconds after SIGTERM, as on Cloud Foundry.
    stopLimitInMs: 20_000,
  },
]

/** Ties a package's schema to its start function. */
function program<Schema extends z.ZodType>(
  schema: Schema,
  start: (
    config: z.input<Schema>,
    options: Parameters<ComponentProgram['start']>[1],
  ) => ReturnType<ComponentProgram['start']>,
): ComponentProgram {
  return {
    validate(config) {
      const parsed = schema.safeParse(config)
      const faults = parsed.success ? [] : [describeIssues(parsed.error)]
      faults.push(...unknownKeys(schema, config).map((key) => `  ${key}: there is no such key`))
      return faults.length === 0 ? undefined : faults.join('\n')
    },
    // `validate` has seen it: what the schema accepts is its input type.
    start: (config, options) => start(config as z.input<Schema>, options),
  }
}
