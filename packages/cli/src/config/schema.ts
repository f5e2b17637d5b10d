import { z } from 'zod'

const port = z.number().int().min(0).max(65535)

/** Settings of one component that go to it as they are; it checks them against its own schema. */
const componentSettings = z
  .record(z.string(), z.unknown())
  .superRefine((settings, context) => {
    for (const key of ['host', 'port'])
      if (key in settings)
        context.addIssue({ code: 'custom', path: [key], message: 'is set by the keys "host" and "ports" at the top' })
  })
  .default({})

/** Whether an address is this machine's own, so that nobody else can reach what listens on it. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

export const defaultAdminPassword = 'admin'

/** pino's. */
export const LogLevel = z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace']).default('info')

/**
 * What `vcap up` reads: a YAML file, then `VCAP_…` environment variables, then flags, each over the one before.
 * docs/guide/configuration.md explains every key, and a test holds it to this schema.
 */
export const VcapConfig = z
  .strictObject({
    dataDirectory: z.string().min(1).optional(),
    host: z.string().min(1).default('127.0.0.1'),
    externalHost: z.string().min(1).default('localhost'),
    ports: z
      .strictObject({
        api: port.default(8181),
        router: port.default(8080),
        uaa: port.default(8182),
        logCache: port.default(8183),
        nats: port.default(4222),
      })
      .prefault({}),
    appsDomains: z.array(z.string().min(1)).min(1).default(['apps.localhost']),
    admin: z
      .strictObject({
        username: z.string().min(1).default('admin'),
        password: z.string().min(1).default(defaultAdminPassword),
      })
      .prefault({}),
    databaseUrl: z.string().min(1).optional(),
    nats: z
      .strictObject({
        url: z.string().regex(/^(nats|tls):\/\/./, 'must be a URL like nats://127.0.0.1:4222'),
        user: z.string().optional(),
        password: z.string().optional(),
      })
      .optional(),
    uaa: z
      .strictObject({
        url: z.url({ protocol: /^https?$/ }),
        internalUrl: z.url({ protocol: /^https?$/ }).optional(),
        clientId: z.string().min(1),
        clientSecret: z.string(),
      })
      .optional(),
    logLevel: LogLevel,
    components: z
      .strictObject({
        nats: componentSettings,
        uaa: componentSettings,
        router: componentSettings,
        'log-cache': componentSettings,
        controller: componentSettings,
        // The cell listens nowhere; its `host` is where routers find the apps.
        cell: z.record(z.string(), z.unknown()).default({}),
      })
      .prefault({}),
  })
  .superRefine((config, context) => {
    if (isLoopback(config.host) || config.uaa || config.admin.password !== defaultAdminPassword) return
    context.addIssue({
      code: 'custom',
      path: ['admin', 'password'],
      message: `must be set to something else than "${defaultAdminPassword}" when host is ${config.host}, which others can reach`,
    })
  })
export type VcapConfig = z.output<typeof VcapConfig>
export type VcapConfigInput = z.input<typeof VcapConfig>
export type PortName = keyof VcapConfig['ports']
