import { DatabaseSync } from 'node:sqlite'
import { Hono } from 'hono'

/** The handlers that both servers of a comparison run: a row, and a page of rows, from SQLite as JSON. */

export const appCount = 10_000

export function guidOf(index: number): string {
  return `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`
}

export function createDatabase(file: string): void {
  const database = new DatabaseSync(file)
  database.exec(`PRAGMA journal_mode = WAL;
    CREATE TABLE apps (id INTEGER PRIMARY KEY, guid TEXT UNIQUE, name TEXT, state TEXT, space_guid TEXT, created_at TEXT, updated_at TEXT);
    BEGIN`)
  const insert = database.prepare('INSERT INTO apps VALUES (?, ?, ?, ?, ?, ?, ?)')
  for (let i = 1; i <= appCount; i++)
    insert.run(i, guidOf(i), `app-${i}`, 'STARTED', guidOf(i % 100), '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z')
  database.exec('COMMIT')
  database.close()
}

interface AppRow {
  readonly guid: string
  readonly name: string
  readonly state: string
  readonly space_guid: string
  readonly created_at: string
  readonly updated_at: string
}

function present(row: AppRow): unknown {
  const self = `http://localhost/v3/apps/${row.guid}`
  return {
    guid: row.guid,
    created_at: row.created_at,
    updated_at: row.updated_at,
    name: row.name,
    state: row.state,
    lifecycle: { type: 'buildpack', data: { buildpacks: [], stack: 'cflinuxfs4' } },
    relationships: { space: { data: { guid: row.space_guid } }, current_droplet: { data: null } },
    metadata: { labels: {}, annotations: {} },
    links: Object.fromEntries(
      [
        '',
        'environment_variables',
        'space',
        'processes',
        'packages',
        'current_droplet',
        'droplets',
        'tasks',
        'routes',
      ].map((name) => [name === '' ? 'self' : name, { href: name === '' ? self : `${self}/${name}` }]),
    ),
  }
}

export function appsServer(file: string): Hono {
  const database = new DatabaseSync(file)
  database.exec('PRAGMA busy_timeout = 5000')
  const one = database.prepare('SELECT * FROM apps WHERE guid = ?')
  const page = database.prepare('SELECT * FROM apps ORDER BY id LIMIT 50 OFFSET ?')
  const app = new Hono()
  app.get('/v3/apps/:guid', (c) => {
    const row = one.get(c.req.param('guid')) as AppRow | undefined
    return row ? c.json(present(row)) : c.json({ errors: [] }, 404)
  })
  app.get('/v3/apps', (c) => {
    const offset = (Number(c.req.query('page') ?? 1) - 1) * 50
    const rows = page.all(offset) as unknown as AppRow[]
    return c.json({ pagination: { total_results: appCount }, resources: rows.map(present) })
  })
  app.get('/spin', (c) => {
    const end = performance.now() + Number(c.req.query('ms'))
    while (performance.now() < end);
    return c.text('done')
  })
  app.get('/block', (c) => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(c.req.query('ms')))
    return c.text('done')
  })
  app.get('/send', (c) => c.body(null, 200, { 'x-reactor-send-file': c.req.query('file') ?? '' }))
  app.get('/never', () => new Promise<never>(() => undefined))
  return app
}
