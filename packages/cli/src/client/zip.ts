import { readdir } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { buffer } from 'node:stream/consumers'
import yazl from 'yazl'

export interface AppBits {
  /** A zip. */
  bits: Buffer<ArrayBuffer>
  files: number
}

/** The files of an app by their paths: a text, bytes, or a script that can be run. */
export type FileTree = Readonly<Record<string, string | Buffer | { script: string }>>

/** All regular files below a folder as a zip in memory, with their modes; for the examples, which are small. */
export async function zipFolder(folder: string): Promise<AppBits> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const zip = new yazl.ZipFile()
  for (const file of files.sort()) zip.addFile(file, relative(folder, file).split(sep).join('/'))
  return { bits: await finished(zip), files: files.length }
}

/** Files that exist nowhere, as a zip in memory; scripts have mode 755, all others 644. */
export async function zipFiles(tree: FileTree): Promise<AppBits> {
  const zip = new yazl.ZipFile()
  for (const [path, file] of Object.entries(tree)) {
    const isScript = typeof file === 'object' && 'script' in file
    const bytes = Buffer.isBuffer(file) ? file : Buffer.from(isScript ? file.script : file)
    zip.addBuffer(bytes, path, { mode: isScript ? 0o100755 : 0o100644 })
  }
  return { bits: await finished(zip), files: Object.keys(tree).length }
}

async function finished(zip: yazl.ZipFile): Promise<Buffer<ArrayBuffer>> {
  zip.end()
  return Buffer.from(await buffer(zip.outputStream))
}
