import { readdir } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { buffer } from 'node:stream/consumers'
import yazl from 'yazl'

export interface ZippedFolder {
  bits: Buffer<ArrayBuffer>
  files: number
}

/** All regular files below a folder as a zip in memory, with their modes; for the examples, which are small. */
export async function zipFolder(folder: string): Promise<ZippedFolder> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const zip = new yazl.ZipFile()
  for (const file of files.sort()) zip.addFile(file, relative(folder, file).split(sep).join('/'))
  zip.end()
  return { bits: Buffer.from(await buffer(zip.outputStream)), files: files.length }
}
