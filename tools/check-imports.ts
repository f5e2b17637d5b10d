import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Who may import whom (docs/guide/architecture.md). Components meet on NATS and HTTP; they share messages, not code. */
const allowed: Record<string, readonly string[]> = {
  reactor: [],
  protocol: [],
  'nats-broker': ['protocol'],
  'cloud-controller': ['reactor', 'protocol'],
  cell: ['protocol'],
  router: ['protocol'],
  uaa: ['protocol'],
  'log-cache': ['protocol'],
  cli: ['protocol', 'nats-broker', 'cloud-controller', 'cell', 'router', 'uaa', 'log-cache'],
  testkit: ['protocol', 'nats-broker', 'cli'],
}

const faults: string[] = []
for (const [name, mayImport] of Object.entries(allowed)) {
  for (const file of globSync(`packages/${name}/src/**/*.ts`)) {
    const isTest = file.endsWith('.test.ts')
    for (const [, imported] of readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?\s*'@vcap\/([\w-]+)/g)) {
      if (imported === name || (imported && mayImport.includes(imported))) continue
      if (isTest && (imported === 'testkit' || imported === 'nats-broker')) continue
      faults.push(`${file}: packages/${name} may not import @vcap/${imported}`)
    }
    for (const [, path = ''] of readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?\s*'(\.\.?\/[^']+)'/g)) {
      if (!join(dirname(file), path).startsWith(`packages/${name}/`))
        faults.push(`${file}: imports another package by path`)
    }
  }
}
if (faults.length > 0) {
  process.stderr.write(`${faults.join('\n')}\n`)
  process.exitCode = 1
}
