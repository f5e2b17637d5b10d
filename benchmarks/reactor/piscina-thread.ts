import { workerData } from 'piscina'
import { appsServer } from './apps-server.ts'

const app = appsServer(String(workerData))

/** The reactor's own light Request and Response are not to be had outside of it; undici's are what a Piscina task would use. */
export default async ({ method, path, headers }: { method: string; path: string; headers: string }) => {
  const flat = headers.split('\n')
  const pairs = flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1] ?? ''] as [string, string]] : []))
  const response = await app.fetch(new Request(`http://localhost${path}`, { method, headers: pairs }))
  return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() }
}
