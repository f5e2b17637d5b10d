export { ClientConfig, UaaConfig, UnsafeSecretError } from './config.ts'
export { startUaa, type UaaOptions } from './start.ts'
