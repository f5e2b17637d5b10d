import { createCipheriv, createDecipheriv, randomBytes, scrypt, scryptSync } from 'node:crypto'
import { promisify } from 'node:util'

/** Keys by label; `current` seals, all of them open. Rotation: add a new key, make it current, re-seal at leisure. */
export interface EncryptionKeys {
  readonly current: string
  readonly keys: Readonly<Record<string, string>>
}

const nonceLength = 12
/** What the ciphers take, by label and secret. */
export type DerivedKeys = ReadonlyMap<string, Uint8Array>
const derived = new Map<string, Uint8Array>()
const nameOf = (label: string, secret: string): string => `${label}\0${secret}`
const saltOf = (label: string): string => `vcap:${label}`
const derivedLength = 32

/** Encrypts with AES-256-GCM under the current key: `<label>:<base64 of nonce, tag and text>`. */
export function seal(text: string, { current, keys }: EncryptionKeys): string {
  const nonce = randomBytes(nonceLength)
  const cipher = createCipheriv('aes-256-gcm', keyOf(current, keys), nonce)
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
  return `${current}:${Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64')}`
}

/** Opens what `seal` made. Throws if its key is not configured or the text was altered. */
export function unseal(sealed: string, { keys }: EncryptionKeys): string {
  const separator = sealed.indexOf(':')
  const label = sealed.slice(0, separator)
  const bytes = Buffer.from(sealed.slice(separator + 1), 'base64')
  const decipher = createDecipheriv('aes-256-gcm', keyOf(label, keys), bytes.subarray(0, nonceLength))
  decipher.setAuthTag(bytes.subarray(nonceLength, nonceLength + 16))
  return Buffer.concat([decipher.update(bytes.subarray(nonceLength + 16)), decipher.final()]).toString('utf8')
}

/**
 * Derives all keys beside other work. To derive one is dear by design, a tenth of a second or more: for a thread that did so at its first
 * need, which is often in a transaction, all who want to write would wait.
 */
export async function deriveKeys({ keys }: EncryptionKeys): Promise<DerivedKeys> {
  const derive = promisify<string, string, number, Buffer>(scrypt)
  const entries = Object.entries(keys).map(async ([label, secret]) => {
    const key = await derive(secret, saltOf(label), derivedLength)
    return [nameOf(label, secret), key] as const
  })
  return new Map(await Promise.all(entries))
}

/** From now on this thread need not derive them. */
export function knowDerivedKeys(keys: DerivedKeys): void {
  for (const [name, key] of keys) derived.set(name, key)
}

function keyOf(label: string, keys: Readonly<Record<string, string>>): Uint8Array {
  const secret = keys[label]
  if (secret === undefined) throw new Error(`no database encryption key is configured under the label "${label}"`)
  const name = nameOf(label, secret)
  const known = derived.get(name)
  if (known) return known
  const key = scryptSync(secret, saltOf(label), derivedLength)
  derived.set(name, key)
  return key
}
