export { CloudControllerConfig } from './config.ts'
export { startCloudController } from './start.ts'
