import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { TestContext } from 'node:test'
import { ZipFile } from 'yazl'
import type { Answer, Client } from './test-controller.ts'

/** A part of a multipart body: text, or a file. */
export type Part = string | { readonly filename: string; readonly content: string | Uint8Array }

/** A multipart body in a file, as the reactor hands it over. */
export async function multipartBody(
  t: TestContext,
  parts: Readonly<Record<string, Part>>,
): Promise<{ file: string; headers: Record<string, string> }> {
  const data = new FormData()
  for (const [name, part] of Object.entries(parts)) {
    if (typeof part === 'string') data.set(name, part)
    else data.set(name, new Blob([new Uint8Array(Buffer.from(part.content))]), part.filename)
  }
  const response = new Response(data)
  return {
    file: await temporaryFile(t, Buffer.from(await response.arrayBuffer())),
    headers: { 'content-type': response.headers.get('content-type') ?? '' },
  }
}

/** Sends a multipart body. */
export async function upload(
  t: TestContext,
  client: Client,
  path: string,
  parts: Readonly<Record<string, Part>>,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const body = await multipartBody(t, parts)
  return client.upload(path, body.file, { ...body.headers, ...headers })
}

/** A file that is gone when the test ends. */
export async function temporaryFile(t: TestContext, content: string | Uint8Array): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'vcap-upload-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const file = join(directory, 'file')
  await writeFile(file, content)
  return file
}

/** A zip archive with these files. */
export async function zipOf(
  files: Readonly<Record<string, string | { content: string; mode?: number }>>,
): Promise<Buffer> {
  const zip = new ZipFile()
  for (const [name, file] of Object.entries(files)) {
    const { content, mode = 0o644 } = typeof file === 'string' ? { content: file } : file
    zip.addBuffer(Buffer.from(content), name, { mode })
  }
  zip.end()
  return Buffer.concat(await Readable.from(zip.outputStream).toArray())
}
