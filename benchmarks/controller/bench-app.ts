import type { Hono } from 'hono'
import { createApp } from '../../packages/cloud-controller/src/http/app.ts'
import type { ThreadServices, WorkerEnv } from '../../packages/cloud-controller/src/http/environment.ts'

/**
 * The Cloud Controller's own application, and one more route that spins the CPU. Tokens are read without checking their
 * signature, on both sides alike: what is compared is how requests are served.
 */
export function benchApp(services: ThreadServices): Hono<WorkerEnv> {
  const app = createApp({
    ...services,
    verifyToken: async (token) => JSON.parse(Buffer.from(token, 'base64url').toString()),
  })
  app.get('/spin', (c) => {
    const end = performance.now() + Number(c.req.query('ms') ?? 0)
    while (performance.now() < end);
    return c.text('dizzy')
  })
  return app
}

/** An admin's token in the form that `benchApp` reads. */
export function adminToken(client: number): string {
  const time = Math.floor(Date.now() / 1000)
  const claims = {
    iss: 'benchmark',
    sub: `admin-${client}`,
    jti: String(client),
    client_id: 'cf',
    user_id: `admin-${client}`,
    user_name: 'admin',
    scope: ['cloud_controller.admin', 'cloud_controller.read', 'cloud_controller.write'],
    aud: ['cloud_controller'],
    iat: time,
    exp: time + 3600,
  }
  return Buffer.from(JSON.stringify(claims)).toString('base64url')
}
