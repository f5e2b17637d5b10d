/** The parts of the command line that other programs of this repository, such as tests of the whole system, build on. */

export { ApiClient, type ApiError, ApiRequestError } from './client/api-client.ts'
export { AppLog, type AppLogLine, recentLog } from './client/app-log.ts'
export { fetchThroughRouter, type Page, pageThroughRouter, type RouterAddress } from './client/fetch-through-router.ts'
export { type InstanceStats, instanceStats, waitForInstances, waitForRunningInstance } from './client/instances.ts'
export { applyManifest, type ManifestApplication } from './client/manifest.ts'
export {
  type AppSource,
  appInFolder,
  type Build,
  push,
  runDroplet,
  StagingFailedError,
  stage,
  type UploadedPackage,
  uploadPackage,
} from './client/push.ts'
export { type AppBits, type FileTree, zipFiles, zipFolder } from './client/zip.ts'
export type { ComponentDefinition, ComponentProgram, SystemPlan } from './component-definition.ts'
export { components } from './components.ts'
export { type ConfigFlags, type LoadedConfig, loadConfig } from './config/load.ts'
export { VcapConfig, type VcapConfigInput } from './config/schema.ts'
export { openDataDirectory } from './data-directory/data-directory.ts'
export { loadSecrets, type Secrets } from './data-directory/secrets.ts'
export { componentConfig, mergeSettings } from './supervisor/supervisor.ts'
export { freePort } from './system/ports.ts'
export { identify, isAlive, type ProcessIdentity } from './system/process-identity.ts'
export { killTree } from './system/process-tree.ts'
export { settlePorts } from './system/settle-ports.ts'
export { prepareSystem, type System } from './system/start-system.ts'
