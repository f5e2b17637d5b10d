import { buffer } from 'node:stream/consumers'
import { ZipFile } from 'yazl'

/** Content of a file, or with a mode; a `link` is a symbolic one. */
export type ZipContent =
  | string
  | Buffer
  | { readonly content: string; readonly mode: number }
  | { readonly link: string }

/** A zip of these files. Names are taken as they are. */
export async function zip(files: Readonly<Record<string, ZipContent>>): Promise<Buffer> {
  const archive = new ZipFile()
  for (const [name, content] of Object.entries(files)) {
    if (typeof content === 'string' || Buffer.isBuffer(content)) archive.addBuffer(Buffer.from(content), name)
    else if ('link' in content) archive.addBuffer(Buffer.from(content.link), name, { mode: 0o120777 })
    else archive.addBuffer(Buffer.from(content.content), name, { mode: 0o100000 | content.mode })
  }
  archive.end()
  return buffer(archive.outputStream)
}

/** A zip whose only entry has a name that no decent zip tool would write: the stand-in of equal length is overwritten in place. */
export async function zipNamed(name: string, content: string): Promise<Buffer> {
  const standIn = 'x'.repeat(name.length)
  const bytes = await zip({ [standIn]: content })
  for (let at = bytes.indexOf(standIn); at >= 0; at = bytes.indexOf(standIn, at + 1)) bytes.write(name, at)
  return bytes
}

/** A buildpack: the scripts of its bin folder, by name, each run by bash with `-e`. */
export async function buildpack(scripts: Readonly<Record<string, string>>): Promise<Buffer> {
  return zip(
    Object.fromEntries(
      Object.entries(scripts).map(([name, body]) => [
        `bin/${name}`,
        { content: `#!/usr/bin/env bash\nset -e\n${body}\n`, mode: 0o755 },
      ]),
    ),
  )
}
