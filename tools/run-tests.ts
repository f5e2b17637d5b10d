import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'

/**
 * Runs the suite with node:test. Arguments narrow it: `node tools/run-tests.ts packages/router` runs the tests below that folder.
 * Two files run at once; a file that needs the machine for itself says so by living under `test/`, which runs last.
 */
const wanted = process.argv.slice(2)
const all = globSync('{packages/*/src,tools,buildpacks,test}/**/*.test.ts').filter(
  (file) => !file.includes('node_modules'),
)
const files = wanted.length === 0 ? all : all.filter((file) => wanted.some((prefix) => file.startsWith(prefix)))
if (files.length === 0) throw new Error(`no test file below ${wanted.join(', ')}`)

const endToEnd = files.filter((file) => file.startsWith('test/'))
const beside = files.filter((file) => !file.startsWith('test/'))

let failed = false
for (const [batch, concurrency] of [
  [beside, 2],
  [endToEnd, 1],
] as const) {
  if (batch.length > 0 && (await run([...batch].sort(), concurrency)) !== 0) failed = true
}
process.exitCode = failed ? 1 : 0

function run(batch: string[], concurrency: number): Promise<number> {
  const arguments_ = [
    '--disable-warning=ExperimentalWarning',
    '--test',
    `--test-concurrency=${concurrency}`,
    '--test-reporter=spec',
    '--test-timeout=300000',
    ...batch,
  ]
  const child = spawn(process.execPath, arguments_, { stdio: 'inherit' })
  return new Promise((resolve) => child.on('exit', (code) => resolve(code ?? 1)))
}
