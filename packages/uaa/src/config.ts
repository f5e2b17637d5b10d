import { z } from 'zod'
import { isWellKnownSecret } from './passwords/well-known-secrets.ts'

const Scopes = z.array(z.string().min(1))

/** Grants that prove who the client is; a client without a secret could be anybody. */
const grantsThatNeedASecret = new Set(['client_credentials', 'authorization_code'])

export const ClientConfig = z
  .object({
    id: z.string().min(1),
    /** Empty for a public client like `cf`. */
    secret: z.string(),
    authorizedGrantTypes: z
      .array(z.enum(['password', 'refresh_token', 'client_credentials', 'authorization_code']))
      .min(1),
    /** What a user may delegate to this client. */
    scopes: Scopes.default([]),
    /** What the client may do for itself. */
    authorities: Scopes.default([]),
    redirectUris: z.array(z.url()).default([]),
    /** Scopes that need no consent of the user; `true` for all of them. There is no consent page, so others are refused. */
    autoApprove: z.union([z.boolean(), Scopes]).default(false),
    accessTokenValidityInSeconds: z.number().int().positive().optional(),
    refreshTokenValidityInSeconds: z.number().int().positive().optional(),
  })
  .refine((client) => client.secret !== '' || !client.authorizedGrantTypes.some((g) => grantsThatNeedASecret.has(g)), {
    message: 'a client with the grant client_credentials or authorization_code needs a secret',
    path: ['secret'],
  })
export type ClientConfig = z.infer<typeof ClientConfig>

/** Groups that every user of a stock cf-deployment has (uaa: uaa/src/main/resources/uaa.yml, `oauth.user.authorities`). */
const stockDefaultGroups = [
  'openid',
  'scim.me',
  'cloud_controller.read',
  'cloud_controller.write',
  'cloud_controller_service_permissions.read',
  'password.write',
  'scim.userids',
  'uaa.user',
  'approvals.me',
  'oauth.approvals',
  'profile',
  'roles',
  'user_attributes',
  'uaa.offline_token',
]

export const UaaConfig = z.object({
  host: z.string().default('127.0.0.1'),
  /** 0 takes a free one. */
  port: z.number().int().min(0).max(65535).default(8182),
  /** What clients call this server, and what `iss` begins with. Default: host and port, `localhost` for a loopback host. */
  externalUrl: z
    .url({ protocol: /^https?$/ })
    .transform((url) => url.replace(/\/+$/, ''))
    .optional(),
  /** Holds uaa.db and signing-keys/; created if absent. */
  dataDirectory: z.string().min(1),
  admin: z
    .object({
      username: z.string().min(1).default('admin'),
      /** Sets the password of a new admin. A well-known one is refused unless everything is on loopback. */
      password: z.string().min(1).default('admin'),
      email: z.string().optional(),
      /** Gives an admin that exists already the password above, at every start. */
      overwritePassword: z.boolean().default(false),
    })
    .prefault({}),
  /** Beside the built-in `cf`. One with the same id replaces it. */
  clients: z.array(ClientConfig).default([]),
  signingKeys: z
    .object({
      /** Signs new tokens; generated when no such key exists. To rotate, give a new name. */
      activeKeyId: z
        .string()
        .regex(/^[A-Za-z0-9_-]+$/)
        .default('key-1'),
      /** No longer accepted, nor shown in /token_keys. */
      retiredKeyIds: z.array(z.string()).default([]),
    })
    .prefault({})
    .refine((keys) => !keys.retiredKeyIds.includes(keys.activeKeyId), 'the active key is retired'),
  tokens: z
    .object({
      accessTokenValidityInSeconds: z.number().int().positive().default(600),
      refreshTokenValidityInSeconds: z.number().int().positive().default(2_592_000),
      /** Keeps a record of every access token, so that a single one can be revoked; `cf logout` then does. */
      revocable: z.boolean().default(false),
    })
    .prefault({}),
  /** uaa: uaa/src/main/webapp/WEB-INF/spring/login-server-security.xml, `defaultUserLockoutPolicy`. */
  lockout: z
    .object({
      afterFailures: z.number().int().positive().default(5),
      countFailuresWithinSeconds: z.number().int().positive().default(1_200),
      periodInSeconds: z.number().int().positive().default(300),
    })
    .prefault({}),
  failedLoginDelayInMilliseconds: z.number().int().min(0).default(500),
  passwords: z
    .object({
      minLength: z.number().int().min(1).default(1),
      maxLength: z.number().int().min(1).max(1_024).default(255),
      /** N of scrypt, a power of two; applies to passwords set from now on. */
      scryptCost: z
        .number()
        .int()
        .min(1_024)
        .max(1_048_576)
        .refine((n) => Number.isInteger(Math.log2(n)), 'must be a power of two')
        .default(32_768),
    })
    .prefault({}),
  defaultGroups: Scopes.default(stockDefaultGroups),
})
export type UaaConfig = z.infer<typeof UaaConfig>

/** A password or secret that anybody could guess, on an address that others can reach. */
export class UnsafeSecretError extends Error {
  override readonly name = 'UnsafeSecretError'
}

const loopbackHost = /^(localhost|.*\.localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i

export function isLoopbackHost(host: string): boolean {
  return loopbackHost.test(host)
}

/** Whether nobody but this machine can reach the server. A public external URL means a proxy in front of a loopback port. */
export function isOnLoopback(config: UaaConfig): boolean {
  return (
    isLoopbackHost(config.host) &&
    (config.externalUrl === undefined || isLoopbackHost(new URL(config.externalUrl).hostname))
  )
}

/** Throws UnsafeSecretError if the configuration would open a server that others can reach with secrets that they can guess. */
export function refuseUnsafeSecrets(config: UaaConfig): void {
  if (isOnLoopback(config)) return
  const where = config.externalUrl ?? config.host
  if (isWellKnownSecret(config.admin.password, config.admin.username)) {
    throw new UnsafeSecretError(
      `The password of ${config.admin.username} is a well-known one, which is allowed only while the UAA is reachable from this machine alone; it is to be reachable at ${where}. Set admin.password.`,
    )
  }
  const unsafe = config.clients.find(({ id, secret }) => secret !== '' && isWellKnownSecret(secret, id))
  if (unsafe) {
    throw new UnsafeSecretError(
      `The secret of the client ${unsafe.id} is a well-known one, which is allowed only while the UAA is reachable from this machine alone; it is to be reachable at ${where}. Give it another secret.`,
    )
  }
}
