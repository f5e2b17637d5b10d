export { CloudControllerConfig } from './config.ts'
