import { createHash } from 'node:crypto'
import { Parser } from 'tar'

/** The entries of a .tgz: their names in order, and the text of one. */
async function read(bytes: Buffer | undefined): Promise<{ names: string[]; text: (name: string) => string }> {
  const contents = new Map<string, Buffer[]>()
  const parser = new Parser({
    onReadEntry: (entry) => {
      const chunks: Buffer[] = []
      contents.set(entry.path, chunks)
      entry.on('data', (chunk: Buffer) => chunks.push(chunk))
    },
  })
  const ended = new Promise<void>((resolve, reject) => parser.once('end', resolve).once('error', reject))
  parser.end(bytes ?? Buffer.of())
  await ended
  return {
    names: [...contents.keys()].toSorted(),
    text: (name) => {
      const chunks = contents.get(name)
      if (!chunks) throw new Error(`no ${name} among ${[...contents.keys()].join(', ')}`)
      return Buffer.concat(chunks).toString('utf8')
    },
  }
}

export const readTarball = Object.assign(read, {
  sha1: (bytes: Buffer) => createHash('sha1').update(bytes).digest('hex'),
})
