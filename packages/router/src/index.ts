/** HTTP router of Cloud Foundry: routes by what `router.register` says on NATS. */
export { RouterConfig } from './config.ts'
export { startRouter } from './router.ts'
