import type { LoadedConfig } from './config/load.ts'
import type { Secrets } from './data-directory/secrets.ts'

/** The UAA client as which the embedded UAA knows the controller. */
export const uaaClientId = 'cloud_controller'

/** Where clients find a port of ours. */
export function publicUrl(config: LoadedConfig, port: 'api' | 'uaa' | 'logCache' | 'router'): string {
  return `http://${config.externalHost}:${config.ports[port]}`
}

/** Where our own components find a port of ours: the address it listens on, without a name to resolve. */
function internalHost(config: LoadedConfig): string {
  if (config.host === '0.0.0.0' || config.host === 'localhost') return '127.0.0.1'
  if (config.host === '::') return '[::1]'
  return config.host.includes(':') ? `[${config.host}]` : config.host
}

export function controllerUrl(config: LoadedConfig): string {
  return `http://${internalHost(config)}:${config.ports.api}`
}

export function logCacheUrl(config: LoadedConfig): string {
  return publicUrl(config, 'logCache')
}

export function uaaUrls(config: LoadedConfig): { external: string; internal: string } {
  if (config.uaa) return { external: config.uaa.url, internal: config.uaa.internalUrl ?? config.uaa.url }
  return { external: publicUrl(config, 'uaa'), internal: `http://${internalHost(config)}:${config.ports.uaa}` }
}

export function natsConnection(
  config: LoadedConfig,
  secrets: Secrets,
): { url: string; user?: string; password?: string } {
  if (!config.nats)
    return {
      url: `nats://${internalHost(config)}:${config.ports.nats}`,
      user: 'vcap',
      password: secrets.natsPassword,
    }
  const { url, user, password } = config.nats
  return { url, ...(user !== undefined && { user }), ...(password !== undefined && { password }) }
}

/** `http://hello.apps.localhost:8080`, for the sentence that tells where apps answer. */
export function appUrl(config: LoadedConfig, name: string): string {
  return `http://${name}.${config.appsDomains[0]}:${config.ports.router}`
}
