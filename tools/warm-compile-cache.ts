import module from 'node:module'
import { join } from 'node:path'

/**
 * Runs after `npm ci`: loads every component's code once, so that Node.js keeps it compiled, its types stripped, and the first
 * `npm start` is as quick as the later ones. Starts nothing. The folder is the one that packages/cli/src/vcap.ts names.
 */
const root = join(import.meta.dirname, '..')
module.enableCompileCache(join(root, 'node_modules/.cache/compile'))

const { components } = await import('../packages/cli/src/components.ts')
await import('../packages/cli/src/main.ts')
for (const component of components) await component.load()

/** What the Cloud Controller's threads load, and what is loaded when it is needed. */
const threads = ['http/app', 'http/token-verifier', 'threads/thread-services', 'threads/job-work', 'db/dialects/sqlite']
for (const file of threads) await import(join(root, `packages/cloud-controller/src/${file}.ts`))
module.flushCompileCache()
