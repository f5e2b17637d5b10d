import type { Settings } from '../config.ts'

const guidLength = 36

/** Where cells fetch and bring blobs, with the credentials of /staging in the URL (message-bus fact sheet, section 3.6). */
export function blobUrl({ internalUrl, stagingAuth }: Settings, path: string): string {
  const url = new URL(`${internalUrl}/staging/${path}`)
  url.username = encodeURIComponent(stagingAuth.username)
  url.password = encodeURIComponent(stagingAuth.password)
  return url.href
}

/**
 * Key of the build artifacts that buildpacks keep between stagings of an app on a stack. A stack may have any name, a key
 * has only letters, digits and `.-_`.
 */
export const buildpackCacheKey = (appGuid: string, stack: string | null): string =>
  `${appGuid}-${(stack ?? 'none').replace(/[^\w.-]/g, (character) => `_${character.codePointAt(0)?.toString(16)}_`)}`

/** The app whose cache a key of `buildpackCacheKey` names. */
export const appGuidOfCacheKey = (key: string): string => key.slice(0, guidLength)
