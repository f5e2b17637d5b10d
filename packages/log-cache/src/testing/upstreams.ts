import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

export interface Upstream {
  readonly url: string
  stop(): Promise<void>
}

/** A real HTTP server on a free port. */
export async function startUpstream(listener: RequestListener): Promise<Upstream> {
  // Kept connections are the clients' to close: closed from here, one could break under a request that is on its way.
  const server = createServer({ keepAliveTimeout: 0 }, listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      if (!server.listening) return
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

interface TokenClaims {
  sub?: string
  aud?: string[]
  lifeInSeconds?: number
  jti?: string
  iss?: string
}

export interface TokenServer extends Upstream {
  /** How often its keys were fetched. */
  readonly keyRequests: number
  /** A new key under the same name, as after a new installation. */
  replaceKey(): Promise<void>
  /** What it calls itself. */
  issuer: string
  /** Value of an Authorization header. */
  token(scopes: readonly string[], claims?: TokenClaims): Promise<string>
}

/** What log-cache needs of UAA: tokens, and the keys that verify them. */
export async function startTokenServer(): Promise<TokenServer> {
  let keys = await generateKeyPair('RS256')
  let keyRequests = 0
  const upstream = await startUpstream(async (req, res) => {
    const answer = (body: unknown) => res.setHeader('Content-Type', 'application/json').end(JSON.stringify(body))
    if (req.url === '/.well-known/openid-configuration') {
      answer({ issuer: server.issuer })
      return
    }
    keyRequests++
    const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'key-1', alg: 'RS256', use: 'sig' }
    answer({ keys: [jwk] })
  })
  const server: TokenServer = {
    ...upstream,
    issuer: `${upstream.url}/oauth/token`,
    get keyRequests() {
      return keyRequests
    },
    replaceKey: async () => {
      keys = await generateKeyPair('RS256')
    },
    token: async (scope, claims = {}) => {
      const { sub = 'user-1', aud = ['cf', 'cloud_controller'], lifeInSeconds = 600 } = claims
      const now = Math.floor(Date.now() / 1000)
      const jwt = new SignJWT({ scope })
        .setProtectedHeader({ alg: 'RS256', kid: 'key-1' })
        .setJti(claims.jti ?? 'token-1')
        .setIssuer(claims.iss ?? server.issuer)
        .setSubject(sub)
        .setAudience(aud)
        .setIssuedAt(now)
        .setExpirationTime(now + lifeInSeconds)
      return `bearer ${await jwt.sign(keys.privateKey)}`
    },
  }
  return server
}

export interface AppDirectory extends Upstream {
  /** Paths asked for, in order. */
  readonly asked: string[]
  /** Guids that the reader with this Authorization sees. */
  readonly visible: Map<string, { apps: string[]; services: string[] }>
}

/** What log-cache needs of the Cloud Controller: who sees which app. Lists have pages of one, and links to an address that is not its own. */
export async function startAppDirectory(): Promise<AppDirectory> {
  const asked: string[] = []
  const visible: AppDirectory['visible'] = new Map()
  const upstream = await startUpstream((req, res) => {
    const url = new URL(req.url ?? '', 'http://cc.invalid')
    asked.push(url.pathname + url.search)
    const { apps = [], services = [] } = visible.get(req.headers.authorization ?? '') ?? {}
    const [, list] = /^\/v3\/(apps|service_instances)$/.exec(url.pathname) ?? []
    const [, kind, guid = ''] = /^\/(internal\/v4\/log_access|v3\/service_instances)\/([^/]+)$/.exec(url.pathname) ?? []
    if (list) {
      const guids = list === 'apps' ? apps : services
      const page = Number(url.searchParams.get('page') ?? 1)
      const next = page < guids.length ? { href: `https://api.example.com/v3/${list}?page=${page + 1}` } : null
      const resources = guids.slice(page - 1, page).map((shown) => ({ guid: shown, name: `name of ${shown}` }))
      res.end(JSON.stringify({ pagination: { total_results: guids.length, next }, resources }))
    } else {
      const known = kind?.startsWith('internal') ? apps : services
      res.writeHead(known.includes(guid) ? 200 : 404).end()
    }
  })
  return { ...upstream, asked, visible }
}
