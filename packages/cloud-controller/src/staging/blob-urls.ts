import type { Settings } from '../config.ts'

/** Where cells fetch and bring blobs, with the credentials of /staging in the URL (message-bus fact sheet, section 3.6). */
export function blobUrl({ internalUrl, stagingAuth }: Settings, path: string): string {
  const url = new URL(`${internalUrl}/staging/${path}`)
  url.username = encodeURIComponent(stagingAuth.username)
  url.password = encodeURIComponent(stagingAuth.password)
  return url.href
}

/** Key of the build artifacts that buildpacks keep between stagings of an app on a stack. */
export const buildpackCacheKey = (appGuid: string, stack: string | null): string => `${appGuid}-${stack ?? 'none'}`
