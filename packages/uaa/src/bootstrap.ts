import type { ClientConfig, UaaConfig } from './config.ts'
import { isOnLoopback, UnsafeSecretError } from './config.ts'
import type { PasswordHasher } from './passwords/password-hash.ts'
import { isWellKnownSecret } from './passwords/well-known-secrets.ts'
import type { Store } from './store/store.ts'

/** Groups of the first admin, as cf-deployment gives them (cf-deployment: cf-deployment.yml, uaa.scim.users). */
const adminGroups = [
  'cloud_controller.admin',
  'clients.read',
  'network.admin',
  'doppler.firehose',
  'routing.router_groups.read',
  'routing.router_groups.write',
  'scim.read',
  'scim.write',
]

/** The scopes of the clients below and of the endpoints here, so that an operator can grant each by a membership. */
const otherGroups = [
  'cloud_controller.admin_read_only',
  'cloud_controller.global_auditor',
  'network.write',
  'uaa.admin',
  'uaa.none',
  'uaa.resource',
  'clients.admin',
  'clients.write',
  'clients.secret',
  'scim.create',
  'groups.update',
  'tokens.revoke',
]

/** Rights with which one could take over the server: no guessable password may hold them where others can reach it. */
const powerfulGroups = [
  'cloud_controller.admin',
  'cloud_controller.admin_read_only',
  'cloud_controller.global_auditor',
  'scim.write',
  'scim.read',
  'uaa.admin',
  'clients.admin',
]

/** The client of the cf CLI, public, with the scopes that cf-deployment gives it. */
const cfClient: ClientConfig = {
  id: 'cf',
  secret: '',
  authorizedGrantTypes: ['password', 'refresh_token'],
  scopes: [
    'network.admin',
    'network.write',
    'cloud_controller.read',
    'cloud_controller.write',
    'openid',
    'password.write',
    'uaa.user',
    'scim.read',
    'scim.write',
    'cloud_controller.admin',
    'cloud_controller.admin_read_only',
    'cloud_controller.global_auditor',
    'routing.router_groups.read',
    'routing.router_groups.write',
    'doppler.firehose',
    'clients.read',
  ],
  authorities: ['uaa.none'],
  redirectUris: [],
  autoApprove: true,
}

export function configuredClients(config: UaaConfig): ClientConfig[] {
  const named = config.clients
  return named.some(({ id }) => id === cfClient.id) ? named : [cfClient, ...named]
}

/**
 * Fills an empty store and brings the configured clients up to date. An admin that exists keeps its password, unless the
 * configuration asks for another. Throws UnsafeSecretError when a powerful user still has a guessable password from
 * the time when the server was on loopback.
 */
export async function bootstrap(config: UaaConfig, store: Store, hasher: PasswordHasher, now: number): Promise<void> {
  const clients = configuredClients(config)
  const { username, password, email, overwritePassword } = config.admin
  const existing = store.users.findByName(username, 'uaa')
  const newPassword =
    existing && !overwritePassword
      ? null
      : { hash: await hasher.hash(password), isWellKnown: isWellKnownSecret(password, username) }

  store.transaction(() => {
    store.clients.replaceConfigured(
      clients.map(({ id, secret: _, ...details }) => ({ id, details })),
      now,
    )
    const scopes = clients.flatMap((client) => [...client.scopes, ...client.authorities])
    const names = new Set([...config.defaultGroups, ...adminGroups, ...otherGroups, ...scopes])
    for (const name of names) {
      if (!name.includes('*') && !store.groups.findByName(name)) store.groups.create(name, null, now)
    }
    if (existing) {
      if (newPassword) store.users.setPassword(existing.id, newPassword, now)
      return
    }
    const profile = {
      user_name: username,
      origin: 'uaa',
      external_id: null,
      given_name: null,
      family_name: null,
      email: email ?? username,
      phone_number: null,
      active: true,
      verified: true,
    }
    const admin = store.users.create(profile, newPassword, now)
    for (const name of adminGroups) {
      const group = store.groups.findByName(name)
      if (group && !config.defaultGroups.includes(name)) store.groups.addMember(group.id, admin.id, 'USER')
    }
  })
  refuseExposedUsers(config, store)
}

function refuseExposedUsers(config: UaaConfig, store: Store): void {
  if (isOnLoopback(config)) return
  const exposed = store.users.withWellKnownPassword(powerfulGroups)
  if (exposed.length === 0) return
  throw new UnsafeSecretError(
    `These users have a well-known password and rights over others: ${exposed.join(', ')}. That is allowed only while the UAA is reachable from this machine alone; change their passwords first, or set admin.overwritePassword to give the admin the configured one.`,
  )
}
