import { invalidPassword } from '../errors.ts'
import { isWellKnownSecret } from './well-known-secrets.ts'

export interface PasswordPolicy {
  readonly minLength: number
  readonly maxLength: number
  /** Whether others can reach this server, so that well-known passwords are refused. */
  readonly refuseWellKnown: boolean
}

/** Throws UaaError 422 invalid_password, with UAA's words for the length (uaa: PasswordValidatorUtil.java, messages.properties). */
export function requireAcceptablePassword(policy: PasswordPolicy, password: string, userName: string): void {
  const faults: string[] = []
  const length = [...password].length
  if (length < policy.minLength) faults.push(`Password must be at least ${policy.minLength} characters in length.`)
  if (length > policy.maxLength) faults.push(`Password must be no more than ${policy.maxLength} characters in length.`)
  if (policy.refuseWellKnown && isWellKnownSecret(password, userName)) {
    faults.push('Password must not be a well-known one.')
  }
  if (faults.length > 0) throw invalidPassword(faults.join(' '), 422)
}
