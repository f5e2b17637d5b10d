/** The messages between the components, as Zod schemas and types. No I/O, no behaviour. */
export * from './component.ts'
export * from './dea.ts'
export * from './log-envelope.ts'
export * from './request-id.ts'
export * from './router.ts'
export * from './staging.ts'
export * from './token.ts'
