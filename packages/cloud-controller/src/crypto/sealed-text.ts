import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from 'node:crypto'

/** Keys by label; `current` seals, all of them open. Rotation: add a new key, make it current, re-seal at leisure. */
export interface EncryptionKeys {
  readonly current: string
  readonly keys: Readonly<Record<string, string>>
}

const nonceLength = 12
const derived = new Map<string, Buffer>()

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

function keyOf(label: string, keys: Readonly<Record<string, string>>): Buffer {
  const secret = keys[label]
  if (secret === undefined) throw new Error(`no database encryption key is configured under the label "${label}"`)
  const name = `${label}\0${secret}`
  const known = derived.get(name)
  if (known) return known
  const key = scryptSync(secret, `vcap:${label}`, 32)
  derived.set(name, key)
  return key
}
