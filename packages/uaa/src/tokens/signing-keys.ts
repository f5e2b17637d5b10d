import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject, randomUUID } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { link, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { exportJWK } from 'jose'
import type { Logger } from 'pino'

export interface SigningKey {
  readonly kid: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

/**
 * RSA keys in files of their own (`signing-keys/<kid>.pem`, mode 0600). One of them signs; the others still verify, so
 * that tokens survive a rotation. The first key takes a while to generate: it comes in the background, and whoever needs
 * it waits for it.
 */
export class SigningKeys {
  readonly #directory: string
  readonly #activeKeyId: string
  readonly #logger: Logger
  readonly #keys: Map<string, SigningKey>
  #generating: Promise<SigningKey> | undefined

  private constructor(directory: string, activeKeyId: string, keys: Map<string, SigningKey>, logger: Logger) {
    this.#directory = directory
    this.#activeKeyId = activeKeyId
    this.#keys = keys
    this.#logger = logger
  }

  /** Reads the keys at once; throws for a file that holds none. */
  static open(
    dataDirectory: string,
    { activeKeyId, retiredKeyIds }: { activeKeyId: string; retiredKeyIds: readonly string[] },
    logger: Logger,
  ): SigningKeys {
    const directory = join(dataDirectory, 'signing-keys')
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const keys = new Map<string, SigningKey>()
    for (const file of readdirSync(directory)) {
      const kid = /^([A-Za-z0-9_-]+)\.pem$/.exec(file)?.[1]
      if (kid !== undefined && !retiredKeyIds.includes(kid)) keys.set(kid, readKey(join(directory, file), kid, logger))
    }
    const opened = new SigningKeys(directory, activeKeyId, keys, logger)
    opened.active().catch((error: unknown) => logger.error({ err: error }, 'no signing key could be generated'))
    return opened
  }

  /** The key that signs. Rejects when it could not be generated or stored; the next call tries again. */
  async active(): Promise<SigningKey> {
    const key = this.#keys.get(this.#activeKeyId)
    if (key) return key
    this.#generating ??= this.#generate().finally(() => {
      this.#generating = undefined
    })
    return this.#generating
  }

  find(kid: string): SigningKey | undefined {
    return this.#keys.get(kid)
  }

  /** The one that signs first. */
  async all(): Promise<SigningKey[]> {
    const active = await this.active()
    return [active, ...[...this.#keys.values()].filter((key) => key !== active)]
  }

  /** Waits for a key on its way, so that nothing is written to the data directory afterwards. */
  async settled(): Promise<void> {
    await this.#generating?.catch(() => undefined)
  }

  async #generate(): Promise<SigningKey> {
    const kid = this.#activeKeyId
    const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2_048 })
    const file = join(this.#directory, `${kid}.pem`)
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
    // A link appears whole or not at all, and never replaces a key that another process wrote meanwhile.
    const draft = `${file}.${randomUUID()}`
    await writeFile(draft, pem, { mode: 0o600, flag: 'wx' })
    try {
      await link(draft, file)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    } finally {
      await rm(draft)
    }
    const key = readKey(file, kid, this.#logger)
    this.#keys.set(kid, key)
    this.#logger.info({ kid }, 'generated a signing key')
    return key
  }
}

/** A key as /token_keys shows it (uaa: KeyInfo.java, `getJwkMap`). */
export async function presentKey(key: SigningKey): Promise<Record<string, unknown>> {
  const { kty, e, n } = await exportJWK(key.publicKey)
  const value = key.publicKey.export({ type: 'spki', format: 'pem' }).toString().trimEnd()
  return { kty, e, use: 'sig', kid: key.kid, alg: 'RS256', value, n }
}

function readKey(file: string, kid: string, logger: Logger): SigningKey {
  if ((statSync(file).mode & 0o077) !== 0) {
    logger.warn({ file }, 'others could read this signing key; its mode is 0600 from now on')
    chmodSync(file, 0o600)
  }
  try {
    const privateKey = createPrivateKey(readFileSync(file))
    if (privateKey.asymmetricKeyType !== 'rsa') throw new Error('it is not an RSA key')
    return { kid, privateKey, publicKey: createPublicKey(privateKey) }
  } catch (error) {
    throw new Error(`${file} holds no signing key`, { cause: error })
  }
}
