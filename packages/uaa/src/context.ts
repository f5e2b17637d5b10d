import type { Logger } from 'pino'
import type { UaaConfig } from './config.ts'
import type { ClientSecrets } from './oauth/client-secrets.ts'
import type { LoginGuard } from './passwords/login-guard.ts'
import type { PasswordHasher } from './passwords/password-hash.ts'
import type { PasswordPolicy } from './passwords/password-policy.ts'
import type { Store } from './store/store.ts'
import type { SigningKeys } from './tokens/signing-keys.ts'

/** What every part of a running UAA works with. */
export interface UaaContext {
  readonly config: UaaConfig
  readonly store: Store
  readonly keys: SigningKeys
  readonly hasher: PasswordHasher
  readonly guard: LoginGuard
  readonly clientSecrets: ClientSecrets
  readonly passwordPolicy: PasswordPolicy
  /** Without a slash at its end. */
  readonly externalUrl: string
  /** `iss` of every token. */
  readonly issuer: string
  readonly logger: Logger
  /** Milliseconds since the epoch. */
  readonly now: () => number
}
