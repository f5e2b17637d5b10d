import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { LineSplitter, maxLineInBytes } from './line-splitter.ts'

function split(...chunks: (string | Buffer)[]): string[] {
  const lines: string[] = []
  const splitter = new LineSplitter((line) => lines.push(line))
  for (const chunk of chunks) splitter.push(Buffer.from(chunk as string))
  splitter.end()
  return lines
}

describe('the line splitter', () => {
  it('ends lines at line feeds and carriage returns, and leaves out empty ones', () => {
    assert.deepEqual(split('a\nb\r\nc\rd\n\n\ne'), ['a', 'b', 'c', 'd', 'e'])
    assert.deepEqual(split(''), [])
  })

  it('gives the same lines however the bytes arrive', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.array(fc.nat(60)), (text, cuts) => {
        const bytes = Buffer.from(text.replaceAll('a', '\n'))
        const at = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length].toSorted((a, b) => a - b)
        const chunks = at.slice(1).map((end, index) => bytes.subarray(at[index], end))
        assert.deepEqual(split(...chunks), split(bytes))
      }),
      { numRuns: 200 },
    )
  })

  it('cuts a long line between two characters and loses none of it', () => {
    const line = `x${'ü'.repeat(maxLineInBytes)}`
    for (const lines of [split(`${line}\n`), split(line), split(line.slice(0, 70_000), line.slice(70_000), '\n')]) {
      assert.equal(lines.join(''), line)
      assert.ok(lines.length >= 3 && lines.every((part) => Buffer.byteLength(part) <= maxLineInBytes))
    }
  })

  it('makes bytes that are no text readable, also a long line of them', () => {
    assert.deepEqual(split(Buffer.from([0x61, 0xff, 0x62, 0x0a])), ['a\uFFFDb'])
    assert.equal(split(Buffer.alloc(100_000, 0x80)).join(''), '\uFFFD'.repeat(100_000))
  })
})
