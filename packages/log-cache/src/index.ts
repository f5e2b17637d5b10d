/** Holds the newest logs and metrics of apps, and serves the API that `cf logs` reads. */
export { LogCacheConfig } from './config.ts'
export { startLogCache } from './log-cache.ts'
