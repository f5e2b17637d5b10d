#!/usr/bin/env node
import module from 'node:module'
import { join } from 'node:path'

/**
 * The program's entry file. Everything else is imported after the compile cache is on: parsed modules, their types already
 * stripped, then come from disk, which halves the time until the components answer. A folder that can't be written just means no cache.
 */
const cache = module.enableCompileCache(join(import.meta.dirname, '../../../node_modules/.cache/compile'))
// Worker threads take the cache from the environment, not from the call above.
if (cache.directory)
  process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, '../../../node_modules/.cache/compile')

const { main } = await import('./main.ts')
const { components } = await import('./components.ts')
await main(process.argv.slice(2), { components, entryFile: import.meta.filename })
