import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { globalScopes } from './test-controller.ts'

type SigningKey = Awaited<ReturnType<typeof generateKeyPair>>['privateKey']

interface KeyPair {
  readonly sign: SigningKey
  readonly jwk: JWK
}

interface Behaviour {
  isDown: boolean
  /** What it calls itself; its usual name while undefined. */
  issuer: string | undefined
  answer: Answering | undefined
}

const issuerAt = (url: string) => `${url}/oauth/token`

/** A UAA of which the Cloud Controller sees only what it uses: token keys, its name, and whatever a test answers. */
export class FakeUaa {
  readonly url: string
  /** Paths that were asked for, with their queries. */
  readonly requests: string[]
  readonly #keys: KeyPair[]
  readonly #behaviour: Behaviour

  private constructor(url: string, requests: string[], keys: KeyPair[], behaviour: Behaviour) {
    this.url = url
    this.requests = requests
    this.#keys = keys
    this.#behaviour = behaviour
  }

  /** Gone when the test ends. */
  static async open(t: TestContext): Promise<FakeUaa> {
    const requests: string[] = []
    const keys = [await newKey()]
    const behaviour: Behaviour = { isDown: false, issuer: undefined, answer: undefined }
    // Kept connections are the clients' to close: closed from here, one could break under a request that is on its way.
    const server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
      requests.push(`${request.method} ${request.url}`)
      if (behaviour.isDown) response.writeHead(500).end('down')
      else if (request.url === '/token_keys') json(response, 200, { keys: keys.map(({ jwk }) => jwk) })
      else if (request.url === '/.well-known/openid-configuration')
        json(response, 200, { issuer: behaviour.issuer ?? issuerAt(`http://${request.headers.host}`) })
      else if (behaviour.answer) behaviour.answer(request, (status, body) => json(response, status, body))
      else json(response, 404, { error: 'not_found' })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => {
      server.closeAllConnections()
      server.close()
    })
    return new FakeUaa(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, keys, behaviour)
  }

  /** Answers 500 to everything from now on. */
  set isDown(isDown: boolean) {
    this.#behaviour.isDown = isDown
  }

  /** Calls itself that from now on. */
  set issuer(issuer: string) {
    this.#behaviour.issuer = issuer
  }

  /** Everything but the token keys and the issuer is answered by this. */
  set answer(answer: Answering) {
    this.#behaviour.answer = answer
  }

  /** Signs with a new key from now on, and forgets the old ones. */
  async rotateKeys(): Promise<void> {
    this.#keys.splice(0, this.#keys.length, await newKey())
  }

  /** An access token for the Cloud Controller; claims that are given replace the usual ones. */
  async token(claims: Record<string, unknown> = {}, { key = this.#keys[0]?.sign }: { key?: SigningKey } = {}) {
    if (!key) throw new Error('there is no key')
    const time = Math.floor(Date.now() / 1000)
    const guid = randomUUID()
    return new SignJWT({
      iss: this.#behaviour.issuer ?? issuerAt(this.url),
      sub: guid,
      jti: randomUUID(),
      client_id: 'cf',
      user_id: guid,
      user_name: 'somebody',
      email: 'somebody@example.org',
      origin: 'uaa',
      scope: [...globalScopes.user],
      aud: ['cloud_controller', 'cf'],
      iat: time,
      exp: time + 600,
      ...claims,
    })
      .setProtectedHeader({ alg: 'RS256', kid: this.#keys[0]?.jwk.kid ?? '' })
      .sign(key)
  }
}

export type Answering = (request: IncomingMessage, answer: (status: number, body: unknown) => void) => void

async function newKey(): Promise<KeyPair> {
  const { privateKey, publicKey } = await generateKeyPair('RS256')
  return { sign: privateKey, jwk: { ...(await exportJWK(publicKey)), kid: randomUUID(), alg: 'RS256', use: 'sig' } }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
