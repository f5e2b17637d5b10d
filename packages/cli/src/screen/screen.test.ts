import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { Screen } from './screen.ts'

const csi = `${String.fromCharCode(27)}\\[`
/** Up by so many lines, then erase below; or a line end. */
const control = new RegExp(`(${csi}\\d+A${csi}0J|\n)`)

/** A terminal of 40 columns that obeys the two control sequences the screen uses: up by n lines, and erase below. */
function terminal() {
  let lines: string[] = ['']
  return {
    isTTY: true,
    columns: 40,
    write(text: string) {
      for (const part of text.split(control)) {
        const up = /^.\[(\d+)A/.exec(part)?.[1]
        if (up) lines = [...lines.slice(0, lines.length - 1 - Number(up)), '']
        else if (part === '\n') lines.push('')
        else lines[lines.length - 1] += stripVTControlCharacters(part)
      }
    },
    shown: () => lines.join('\n'),
  }
}

test('on a terminal rows change in place, in the order they came, below the lines', () => {
  const output = terminal()
  const screen = new Screen(output, {})
  screen.row('nats', 'nats starting')
  screen.row('cell', 'cell starting')
  screen.line('a warning')
  screen.row('nats', 'nats ready')
  assert.equal(output.shown(), 'a warning\nnats ready\ncell starting\n')
  screen.endRows()
  screen.line('up')
  assert.equal(output.shown(), 'a warning\nnats ready\ncell starting\nup\n')
})

test('a row is never wider than the terminal, since a wrapped one would be left behind', () => {
  const output = terminal()
  const screen = new Screen(output, {})
  screen.row('cell', screen.style('red', `cell ${'x'.repeat(100)}`))
  screen.row('cell', 'cell ready')
  assert.equal(output.shown(), 'cell ready\n')
  screen.row('cell', 'y'.repeat(100))
  assert.equal(output.shown().trimEnd().length, 39)
})

test('where it is no terminal each change is a line without colour', () => {
  let text = ''
  const screen = new Screen({ write: (more) => (text += more) }, {})
  screen.row('nats', screen.style('green', 'nats starting'))
  screen.row('nats', 'nats ready')
  assert.equal(text, 'nats starting\nnats ready\n')
})
