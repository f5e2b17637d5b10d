import { spawn } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { postgresPrograms, startPostgresCluster } from './postgres-cluster.ts'

/**
 * Runs the suite with node:test. Arguments narrow it: `node tools/run-tests.ts packages/router` runs the tests below that folder.
 * Two files run at once; a file that needs the machine for itself says so by living under `test/`, which runs last.
 *
 * The Cloud Controller's tests run on SQLite, and once more on a PostgreSQL server that is started for them where its programs are
 * installed. `DATABASES=sqlite`, `postgres` or both narrows that. `VCAP_TEST_REQUIRE=postgres` makes it a failure that they are missing.
 * A thorough run may need more than the usual limit for a file: `VCAP_TEST_TIMEOUT_IN_SECONDS`.
 */
const wanted = process.argv.slice(2)
const all = globSync('{packages/*/src,tools,buildpacks,test}/**/*.test.ts').filter(
  (file) => !file.includes('node_modules'),
)
const files = wanted.length === 0 ? all : all.filter((file) => wanted.some((prefix) => file.startsWith(prefix)))
if (files.length === 0) throw new Error(`no test file below ${wanted.join(', ')}`)

const endToEnd = files.filter((file) => file.startsWith('test/'))
const beside = files.filter((file) => !file.startsWith('test/'))
const onDatabases = beside.filter(
  (file) => file.startsWith('packages/cloud-controller/') && /\/testing\/|\.\/db\//.test(readFileSync(file, 'utf8')),
)
const onPostgresOnly = beside.filter((file) => file.endsWith('postgres.test.ts'))

// Most of a test file's time is loading code. Compiled once, it loads in a third less.
process.env.NODE_COMPILE_CACHE ??= 'node_modules/.cache/compiled'

const databases = new Set((process.env.DATABASES ?? 'sqlite,postgres').split(','))
const outcomes: string[] = []

if (databases.has('sqlite')) {
  const anywhere = beside.filter((file) => !onPostgresOnly.includes(file))
  await run('', anywhere, 2)
}
if (databases.has('postgres') && onDatabases.length > 0) await runOnPostgres()
await run('end to end', endToEnd, 1)
process.stdout.write(`\n${outcomes.join('\n')}\n`)

async function runOnPostgres(): Promise<void> {
  const title = 'Cloud Controller on PostgreSQL'
  const programs = postgresPrograms()
  if (!programs) {
    const isRequired = (process.env.VCAP_TEST_REQUIRE ?? '').split(',').includes('postgres')
    if (isRequired) process.exitCode = 1
    outcomes.push(
      `${isRequired ? 'FAILED' : 'SKIPPED'}: ${title}: there is no initdb, neither on the PATH nor in /usr/lib/postgresql`,
    )
    return
  }
  const cluster = await startPostgresCluster(programs)
  try {
    await run(title, onDatabases, 2, { VCAP_TEST_POSTGRES_URL: cluster.url })
  } finally {
    await cluster.stop()
  }
}

async function run(
  title: string,
  batch: string[],
  concurrency: number,
  environment: Record<string, string> = {},
): Promise<void> {
  if (batch.length === 0) return
  if (title !== '') process.stdout.write(`\n==> ${title}\n`)
  const begin = performance.now()
  const arguments_ = [
    '--disable-warning=ExperimentalWarning',
    '--test',
    `--test-concurrency=${concurrency}`,
    '--test-reporter=spec',
    `--test-timeout=${Number(process.env.VCAP_TEST_TIMEOUT_IN_SECONDS ?? 1200) * 1000}`,
    ...batch.toSorted(),
  ]
  const child = spawn(process.execPath, arguments_, { stdio: 'inherit', env: { ...process.env, ...environment } })
  const code = await new Promise<number>((resolve) => child.on('exit', (exitCode) => resolve(exitCode ?? 1)))
  if (code !== 0) process.exitCode = 1
  const seconds = ((performance.now() - begin) / 1000).toFixed(0)
  outcomes.push(
    `${code === 0 ? 'passed' : 'FAILED'}: ${title || 'all packages'}: ${batch.length} files in ${seconds} s`,
  )
}
